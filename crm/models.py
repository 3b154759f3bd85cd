"""Customers, their records and searchable passages, and the webhooks that arrive and leave."""

from collections.abc import Collection

from django.db import models
from django.utils import timezone


class Customer(models.Model):
    id = models.CharField(primary_key=True, max_length=200)
    name = models.CharField(max_length=300, blank=True)
    # These two decide what becomes of late updates: they go to the other customer, or nowhere.
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged"
    )
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(merged_into=models.F("id")), name="customer_not_into_itself"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.id


class Record(models.Model):
    """One record as the CRM sent it. A record without a customer is shared knowledge."""

    id = models.CharField(primary_key=True, max_length=200)
    kind = models.CharField(max_length=60)
    customer = models.ForeignKey(
        Customer, null=True, blank=True, on_delete=models.CASCADE, related_name="records"
    )
    title = models.CharField(max_length=500)
    text = models.TextField(blank=True)
    fields = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(help_text="When the CRM last changed it.")
    # The latest date in the fields: "my order" means the newest order.
    latest = models.DateField(null=True, blank=True)
    # A deleted record stays as a row: an older update that arrives late must not revive it.
    deleted = models.BooleanField(default=False)
    imported_at = models.DateTimeField(auto_now=True)
    # Digests of the states that had this `updated_at`, newest last. Of two states with the same
    # time, the one that arrived later stays, however often the earlier one is repeated.
    states = models.JSONField(default=list, editable=False)

    # Set on a row that was just parsed: notes for its sender, and what a partial row leaves as it
    # was, such as "text" or "fields.email".
    notes: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title


class RecordKind(models.Model):
    """What the fields of a kind of record mean, for questions such as "where is my last order?".

    The first values are guesses; an administrator may correct them.
    """

    # What a field may mean, in the order of their importance.
    ROLES = ("status", "own_date", "expected_date", "done_date", "total")

    name = models.CharField(primary_key=True, max_length=60)
    status = models.CharField(max_length=200, blank=True)
    own_date = models.CharField(
        max_length=200, blank=True, help_text="The date to sort by: when ordered, when issued."
    )
    expected_date = models.CharField(
        max_length=200, blank=True, help_text="When it is due: delivery, appointment, payment."
    )
    done_date = models.CharField(
        max_length=200, blank=True, help_text="When it happened: delivered, paid, closed."
    )
    total = models.CharField(
        max_length=200, blank=True, help_text="The amount that is added up over several records."
    )
    final_statuses = models.JSONField(
        default=list,
        blank=True,
        help_text="Statuses of finished records, such as delivered or paid; one per line.",
    )
    open_statuses = models.JSONField(
        default=list,
        blank=True,
        help_text="Statuses of unfinished records. Attune judges those in neither list.",
    )
    # Somebody has looked at the guesses.
    confirmed = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "kind of record"
        verbose_name_plural = "kinds of records"

    def __str__(self) -> str:
        return self.name


class Passage(models.Model):
    """A piece of a record, short enough for the encoder and the prompt."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="passages")
    # Copied from the record: every search filters by it.
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE)
    position = models.PositiveIntegerField()
    text = models.TextField()
    # The change (IndexState) that wrote this row; its text never changes.
    change = models.BigIntegerField(default=0, db_index=True)

    class Meta:
        ordering = ["record", "position"]
        constraints = [
            models.UniqueConstraint(fields=["record", "position"], name="passage_position")
        ]

    def __str__(self) -> str:
        return f"{self.record_id} [{self.position}]"


class Vector(models.Model):
    """A passage's vector from one encoder. During an upgrade a passage has two."""

    passage = models.ForeignKey(Passage, on_delete=models.CASCADE, related_name="vectors")
    encoder = models.CharField(max_length=100)
    # A unit vector as float32 bytes.
    value = models.BinaryField()
    # The change (IndexState) that added this row.
    change = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["passage", "encoder"], name="vector_encoder")
        ]
        indexes = [models.Index(fields=["encoder", "change"], name="vector_change")]

    def __str__(self) -> str:
        return f"{self.passage_id} by {self.encoder}"


class Tombstone(models.Model):
    """A passage deleted since the last snapshot; kept until the next one is written."""

    passage = models.BigIntegerField()
    scope = models.CharField(max_length=200, blank=True)
    change = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return f"passage {self.passage}"


class Key(models.Model):
    """An exact name of a record: an order number, a tracking code, an e-mail, a title.

    Embeddings do not distinguish digits, so keys are looked up exactly.
    """

    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="keys")
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE)
    value = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["value", "customer"])]
        constraints = [models.UniqueConstraint(fields=["record", "value"], name="key_value")]

    def __str__(self) -> str:
        return self.value


class IndexState(models.Model):
    """Counts changes of passages, so that a reader asks only for what it has not seen."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    changes = models.BigIntegerField(default=0, db_default=0)
    # By encoder: marks of the indexes that were made from this database, newest first. An index
    # with another mark belongs to another database or to a later state of this one: a restored
    # backup lacks the marks made after it, although it goes on counting from the same number.
    marks = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.changes} changes"


class Source(models.Model):
    """A system that sends events here, to /webhooks/crm/<name>/."""

    name = models.SlugField(unique=True, help_text="Part of its webhook's address.")
    dialect = models.CharField(
        max_length=30, default="attune", help_text="How it writes and signs: a module of adapters."
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
        "full payload", default=False, help_text="With what was said; else ids and states only."
    )
    masked = models.BooleanField(
        default=True, help_text="Cards, accounts, phones, addresses and names taken out of texts."
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
        FAILED = "failed", "Given up"

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
