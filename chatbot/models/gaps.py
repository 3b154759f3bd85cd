"""Questions that had no answer, grouped by what they are about."""

from django.db import models
from django.utils import timezone

from chatbot.models.conversations import Message


class Gap(models.Model):
    """A subject about which customers ask and get no answer."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"
        IGNORED = "ignored", "Not for the bot"

    # The question nearest to the middle of the group, without personal data. It is emptied when
    # one of the questions is deleted or redacted, until another is chosen: see counting.py.
    label = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    # The shared record that comes nearest; "" if none is near.
    nearest = models.CharField(max_length=200, blank=True)
    count = models.PositiveIntegerField(default=0)
    # How many of them were asked in the last seven days, and in the seven days before.
    last_week = models.PositiveIntegerField(default=0)
    week_before = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    # The article that was written for it.
    article = models.ForeignKey(
        "crm.Article", null=True, blank=True, on_delete=models.SET_NULL, related_name="gaps"
    )
    # The claim of the process that asks its questions again.
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_week", "-count", "-id"]
        verbose_name = "unanswered question"

    def __str__(self) -> str:
        return self.label or "Example question not chosen yet"


class GapQuestion(models.Model):
    """A customer's message without an answer. It goes with its conversation."""

    class Why(models.TextChoices):
        REFUSED = "refused", "Nothing on record"
        HANDED_OFF = "handoff", "Handed to a person"
        THUMB = "thumb", "The customer marked it as not helpful"

    gap = models.ForeignKey(Gap, null=True, on_delete=models.CASCADE, related_name="questions")
    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="gap_question")
    why = models.CharField(max_length=10, choices=Why)
    at = models.DateTimeField(db_index=True)
    # It is about to be asked again, and the answer when it was: {"answer", "state"}.
    waiting = models.BooleanField(default=False)
    after = models.JSONField(default=dict, blank=True)
    # A unit vector as float32 bytes, by the encoder whose name stands beside it.
    vector = models.BinaryField(default=b"")
    encoder = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"Question {self.message_id}"
