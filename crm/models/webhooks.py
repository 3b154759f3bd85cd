"""Webhooks: systems that send events here, and receivers of events."""

from collections.abc import Collection

from django.db import models
from django.utils import timezone


class Source(models.Model):
    """A system that sends events here, to /webhooks/crm/<name>/."""

    name = models.SlugField(unique=True, help_text="Part of its webhook's address.")
    dialect = models.CharField(
        max_length=30,
        default="attune",
        help_text="The way in which the system writes and signs: a module of crm/dialects.",
    )
    # Prefixed to every id in its events ("zd/501"), so that they do not collide with the company's
    # own ids or those of other systems. Blank: it uses the company's own ids.
    namespace = models.SlugField(blank=True, editable=False)
    # Newest first, each {"secret", "until"}. `until` is when an old secret expires (ISO 8601), or
    # null.
    secrets = models.JSONField(default=list, editable=False)
    # Generic dialect: where in a payload to find each field of a record. Other dialects: which
    # fields customers may read besides the usual ones.
    mapping = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(default=True, help_text="Off: its events are refused.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class InboundEvent(models.Model):
    """One webhook as it arrived. It is stored first, then applied exactly once."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        APPLIED = "applied", "Applied"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=200)
    type = models.CharField(max_length=60)
    # The whole body as it arrived.
    body = models.TextField()
    # The body in Attune's own terms: a list of {"type", "data"}.
    changes = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    reason = models.CharField(max_length=500, blank=True)
    # Counted before each try, so that an event that kills its worker leaves a trace.
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    received_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(null=True, blank=True)
    # Set on an unsaved event: the ids that it names.
    mentioned: Collection[str] = ()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "event_id"], name="inbound_event_once")
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(state="received"), name="inbound_event_pending"
            ),
            # For the pages of the admin and the API, which must be fast among millions of rows.
            models.Index(fields=["source", "-id"], name="inbound_event_newest"),
            models.Index(
                fields=["-id"],
                condition=models.Q(state__in=["failed", "refused"]),
                name="inbound_event_bad",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Mention(models.Model):
    """An id of a customer or a record that an event names. Erasure finds the events by it."""

    event = models.ForeignKey(InboundEvent, on_delete=models.CASCADE, related_name="mentions")
    value = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["value", "event"], name="mention_once")]

    def __str__(self) -> str:
        return self.value


class Endpoint(models.Model):
    """A receiver of events."""

    # Not a URLField, which demands a dot: host names inside a private network may have none.
    url = models.CharField("URL", max_length=500)
    events = models.JSONField(
        default=list, blank=True, help_text="Types of events; none: all of them."
    )
    inboxes = models.JSONField(default=list, blank=True, help_text="Inboxes' keys; none: all.")
    secrets = models.JSONField(default=list, editable=False)
    active = models.BooleanField(
        default=True, help_text="Off: events are kept, and sent once it is on again."
    )
    full = models.BooleanField(
        "full payload", default=False, help_text="Send what was said. Off: only ids and states."
    )
    masked = models.BooleanField(
        default=True,
        help_text="Cards, accounts, phones, addresses and names are left out of texts.",
    )
    ordered = models.BooleanField(
        "in order",
        default=False,
        help_text="A conversation's events one after the other: one that fails holds up the next.",
    )
    cloudevents = models.BooleanField("CloudEvents envelope", default=False)
    # Every attempt since then has failed.
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    # The endpoint asked (Retry-After) to be sent nothing before this time.
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    # Why it was switched off automatically.
    trouble = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One event for one endpoint, written in the same transaction as the change it reports."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "Under way"
        DONE = "done", "Delivered"
        FAILED = "failed", "Failed"

    # No constraint in the database: other processes may still use an endpoint that was deleted a
    # moment ago, and the change that they report must not fail because of it.
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False
    )
    # The same in every attempt, and when the event is sent again.
    event_id = models.CharField(max_length=64)
    type = models.CharField(max_length=60)
    # The conversation whose events stay in order; "" for an event of none.
    conversation = models.CharField(max_length=64, blank=True)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="delivery_once")
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_at"],
                condition=models.Q(state__in=["pending", "running"]),
                name="delivery_due",
            ),
            models.Index(fields=["endpoint", "conversation", "id"], name="delivery_order"),
            # For the pages of the admin and the API, which must be fast among millions of rows.
            models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
            models.Index(
                fields=["endpoint", "-id"], condition=models.Q(tries__gt=0), name="delivery_tried"
            ),
            models.Index(
                fields=["-id"], condition=models.Q(state="failed"), name="delivery_failed"
            ),
            models.Index(fields=["created_at"], name="delivery_at"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class Attempt(models.Model):
    """One request of a delivery, and the response."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField(default=timezone.now)
    # The headers as they were sent; the body is the delivery's.
    request = models.JSONField(default=dict)
    # Null: there was no response, and `error` says why.
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True)
    # The beginning of the response's body.
    answer = models.TextField(blank=True)
    seconds = models.FloatField(default=0.0)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.status or self.error}"
