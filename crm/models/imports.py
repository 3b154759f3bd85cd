"""Imports of files: how tables become records, and each run."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class ImportPlan(models.Model):
    """How the files of one kind are imported, kept so that the next file needs no questions.

    Tables become records; documents become articles.
    """

    name = models.CharField(max_length=100, unique=True, help_text="Such as: orders from the till.")
    # Put before every id ("orders-from-the-till/10482"), so that records of files and of a CRM
    # cannot overwrite each other. Made from the name once; unique among webhook sources too.
    namespace = models.SlugField(unique=True, editable=False)
    kind = models.CharField(max_length=60, blank=True, help_text="order, invoice, booking …")
    # By role the columns: "id", "kind" of each row, "customer", "title", "text", "updated_at", and
    # RecordKind.ROLES.
    # Without any, rows are taken as they are if they are records in Attune's own form.
    columns = models.JSONField(default=dict, blank=True)
    # All columns of the file that the plan was made for: it fits later files with the same.
    heads = models.JSONField(default=list, editable=False)
    # Whether 05/04/2026 is a day in April; null if no file had such dates yet.
    day_first = models.BooleanField(null=True, blank=True)
    own_ids = models.BooleanField(
        "use the file's ids as they are",
        default=False,
        help_text="For records in Attune's own form. They replace CRM records with the same ids.",
    )
    # Columns that customers are not told.
    left_out = models.JSONField(default=list, blank=True)
    # Rows without a column for the customer are shown to everybody; somebody has agreed to that.
    shared = models.BooleanField("these records are for everybody", default=False)
    publish = models.BooleanField(
        "publish documents at once", default=False, help_text="Off: they become drafts."
    )
    remove_missing = models.BooleanField(
        "remove what is missing from a new file",
        default=False,
        help_text="Off: a record that is missing from a later file stays as it is.",
    )
    place = models.CharField(
        "folder or address",
        max_length=500,
        blank=True,
        help_text="A folder on the server, or an address inside your network, to import from.",
    )
    every_hours = models.PositiveSmallIntegerField(
        "import every … hours", default=0, help_text="0: only by hand."
    )
    # When `place` was last read, and digests of its files as they were imported.
    looked_at = models.DateTimeField(null=True, blank=True, editable=False)
    seen = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """One file on its way into Attune."""

    class State(models.TextChoices):
        READING = "reading", "Being read"
        ASKING = "asking", "Waiting for your choices"
        RUNNING = "running", "Being imported"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    plan = models.ForeignKey(ImportPlan, null=True, blank=True, on_delete=models.SET_NULL)
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    # The file's name as it was uploaded, and its path in the storage.
    name = models.CharField(max_length=300)
    file = models.CharField(max_length=300, blank=True)
    # For the preview: a table's columns and first rows, or the documents' titles.
    preview = models.JSONField(default=dict, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    # Counts by word: created, updated, unchanged, removed …
    counts = models.JSONField(default=dict, blank=True)
    # [place, sentence] of each row or file that was not imported; the first thousand.
    errors = models.JSONField(default=list, blank=True)
    # Why it failed, as a sentence.
    reason = models.CharField(max_length=500, blank=True)
    cancel = models.BooleanField(default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The end of the worker's lease; after it, another one goes on.
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name
