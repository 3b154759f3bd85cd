"""Language models, their servers, and the trace of each reply."""

from enum import StrEnum
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from chatbot.config.network import is_private
from chatbot.models.conversations import Conversation, Message


class Tier(models.Model):
    """A language model of one size. Without tiers, SLM_URL and SLM_NAME define the only one."""

    name = models.SlugField(unique=True, help_text="small, large …")
    model = models.CharField(max_length=100, help_text="The model's name on its servers.")
    from_difficulty = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="It answers questions of at least this difficulty, 0 to 1; the smallest has 0.",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["from_difficulty", "name"]
        verbose_name = "language model tier"

    def __str__(self) -> str:
        return self.name


class Server(models.Model):
    """One of a tier's interchangeable servers; the least busy one answers."""

    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, related_name="servers")
    # A CharField: a URLField wants a dot, but names inside a private network have none.
    url = models.CharField(
        "URL",
        max_length=300,
        unique=True,
        validators=[
            RegexValidator(
                r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", "Write it like http://vllm:8000/v1"
            )
        ],
        help_text="e.g. http://vllm-1:8000/v1",
    )
    # The result of the last health check by any web process.
    illness = models.CharField(max_length=300, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.url

    @property
    def health(self) -> str:
        if self.looked_at is None:
            return "not checked yet"
        return self.illness or "well"

    def clean(self) -> None:
        self.url = self.url.rstrip("/")
        host = urlsplit(self.url).hostname
        if host and not is_private(host):
            raise ValidationError(
                {"url": f"{host} is outside the private network. Messages must not leave it."}
            )


class Ending(StrEnum):
    """A reply's outcome for the customer."""

    ANSWERED = "answered"  # from the records
    REFUSED = "refused"  # nothing on record
    HANDED_OFF = "handoff"  # to a person
    CHAT = "chat"  # small talk
    PROPOSED = "proposed"  # an action, as a form


def unanswered_after(count: int, ending: str) -> int:
    """Count on how many questions in a row had no answer on record."""
    if ending == Ending.REFUSED:
        return count + 1
    return 0 if ending in {Ending.ANSWERED, Ending.HANDED_OFF} else count


class Reply(models.Model):
    """The trace of a bot's answer, and the claim of the process that works on it."""

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        SUPERSEDED = "superseded", "Superseded by a newer message"
        FAILED = "failed", "Failed"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="replies")
    question = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="reply")
    answer = models.OneToOneField(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="trace"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    # The process that works on it and its lease; when the lease ends, another takes over.
    worker = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # The conversation's version when the reply was requested.
    version = models.PositiveIntegerField(default=0)
    # An Ending; "" until the reply has ended.
    state = models.CharField(
        max_length=10, blank=True, help_text="answered, refused, handoff, chat, proposed"
    )
    route = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    model = models.CharField(max_length=100, blank=True)
    # Difficulty, scores, thresholds, and the reason as a sentence.
    routing = models.JSONField(default=dict, blank=True)
    # For each request to a model: tier, model, seconds, tokens read and written.
    generations = models.JSONField(default=list, blank=True)
    passages = models.JSONField(default=list, blank=True)
    withheld = models.JSONField(default=list, blank=True)
    timings = models.JSONField(default=dict, blank=True, help_text="Seconds since the claim.")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="reply_created"),
            # Only the few open replies: every process looks for them, and each message looks for
            # those of its conversation.
            models.Index(
                fields=["conversation", "created_at"],
                condition=models.Q(status__in=["pending", "running"]),
                name="reply_open",
            ),
        ]
        verbose_name_plural = "replies"

    def __str__(self) -> str:
        return f"Reply to {self.question_id} ({self.status})"
