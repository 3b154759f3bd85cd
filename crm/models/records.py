"""Customers, and the records that the CRM and the company keep about them and for them."""

from django.db import models


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
    # Keys of the inboxes whose bot may tell it; none: all of them. Only shared records have any.
    inboxes = models.JSONField(default=list, db_default=[], blank=True)
    # The page where customers can read it, if there is one.
    address = models.CharField(max_length=500, blank=True, db_default="")
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
        indexes = [
            models.Index(
                fields=["customer", "kind", "-latest", "id"],
                condition=models.Q(deleted=False),
                name="record_newest",
            )
        ]

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
