"""What search finds: passages of records, their vectors and keys, and the count of changes."""

from django.db import models

from crm.models.records import Customer, Record


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
