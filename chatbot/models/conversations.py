"""What was said, and what hangs on it."""

import uuid

from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.core.files.storage import Storage, storages
from django.db import models
from django.utils import timezone

from chatbot.models.inboxes import Visitor
from chatbot.models.people import Team
from inference.sentiment import LABELS


class Conversation(models.Model):
    class State(models.TextChoices):
        BOT = "bot", "Bot"
        WAITING = "waiting", "Waiting for a person"
        AGENT = "agent", "With an agent"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visitor = models.ForeignKey(Visitor, on_delete=models.CASCADE, related_name="conversations")
    state = models.CharField(max_length=10, choices=State, default=State.BOT)
    # How often its owner has changed: what the bot began for another owner is not posted.
    version = models.PositiveIntegerField(default=0)
    handoff_reason = models.CharField(max_length=300, blank=True)
    # The customer's words that it is about, in no sentence of ours: they are forgotten alone.
    handoff_quote = models.CharField(max_length=300, blank=True)
    # Who answers in state `agent`; who did, once it is closed.
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    waiting_since = models.DateTimeField(null=True, blank=True)
    # When the customer, who waits, was told that nobody is there.
    away_at = models.DateTimeField(null=True, blank=True)
    # Where they are written to, if they left that, and the last answer that was mailed there.
    contact_email = models.EmailField(blank=True)
    # The CRM knows it as theirs, or its reader has said so: see mailing.py.
    contact_confirmed = models.BooleanField(default=False)
    mailed_seq = models.PositiveIntegerField(default=0)
    # Whom it was passed on to, until one of them takes it.
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL)
    last_seq = models.PositiveIntegerField(default=0)
    read_seq = models.PositiveIntegerField(default=0, help_text="The last one the visitor saw.")
    # Recency-weighted mean of the customer's scores, -1 to 1. Null: nothing said yet.
    mood = models.FloatField(null=True, blank=True)
    mood_slope = models.FloatField(default=0.0, help_text="Change of the score per message.")
    # The customer's last scores, oldest first: what lists draw.
    scores = models.JSONField(default=list)
    # Why an agent should look, in words, and how soon; "" and 0: no reason.
    alert = models.CharField(max_length=300, blank=True)
    alert_quote = models.CharField(max_length=300, blank=True)
    alert_weight = models.FloatField(default=0.0)
    # An agent has seen it: it calls nobody until it gets worse, or a snooze ends.
    alert_seen = models.BooleanField(default=False)
    # How often an alert has risen.
    alerts = models.PositiveSmallIntegerField(default=0)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    # Answers in a row that found nothing on record.
    unanswered = models.PositiveSmallIntegerField(default=0)
    # How satisfied the customer was, 1 to 5, once it was closed.
    csat = models.PositiveSmallIntegerField(null=True, blank=True)
    csat_comment = models.CharField(max_length=500, blank=True)
    csat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    # When personal data was taken out of what was said.
    redacted_at = models.DateTimeField(null=True, blank=True)
    last_message_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ["-last_message_at"]
        indexes = [
            models.Index(fields=["state", "-last_message_at"], name="conversation_state"),
            models.Index(fields=["created_at"], name="conversation_created"),
            models.Index(
                fields=["snoozed_until"],
                condition=models.Q(snoozed_until__isnull=False),
                name="conversation_snoozed",
            ),
            # Few of many: those that are looked through for answers to mail.
            models.Index(
                fields=["last_message_at"],
                condition=~models.Q(contact_email=""),
                name="conversation_contact",
            ),
            # Looked at every few seconds.
            models.Index(
                fields=["waiting_since"],
                condition=models.Q(state="waiting"),
                name="conversation_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"Conversation with {self.visitor}"

    @property
    def alert_shown(self) -> str:
        return quoting(self.alert, self.alert_quote)

    @property
    def handoff_shown(self) -> str:
        return quoting(self.handoff_reason, self.handoff_quote)


def quoting(reason: str, quote: str) -> str:
    """For agents' eyes."""
    return f"{reason.removesuffix('.')}: “{quote}”" if quote else reason


class Message(models.Model):
    class Author(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        BOT = "bot", "Bot"
        AGENT = "agent", "Agent"
        SYSTEM = "system", "System"

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    seq = models.PositiveIntegerField(help_text="1, 2, 3 … within the conversation, no gaps.")
    client_id = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001 unique where set
    author = models.CharField(max_length=10, choices=Author)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    citations = models.JSONField(default=list, blank=True)
    # What its files are: id, name, type and bytes of each; who reads messages needs no more.
    attachments = models.JSONField(default=list, blank=True)
    # Sentiment of a customer's message; score is p(positive) - p(negative).
    label = models.CharField(max_length=10, blank=True)
    score = models.FloatField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    feedback = models.SmallIntegerField(null=True, blank=True, help_text="1 helpful, -1 not.")

    class Meta:
        ordering = ["conversation", "seq"]
        indexes = [models.Index(fields=["at"], name="message_at")]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq"),
            models.UniqueConstraint(fields=["conversation", "client_id"], name="message_client_id"),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.gist[:60]}"

    @property
    def gist(self) -> str:
        """Its text; of files without one, their names."""
        return self.text or ", ".join(one["name"] for one in self.attachments)


def attachment_storage() -> Storage:
    return storages["attachments"]


class Attachment(models.Model):
    """A file of a conversation: uploaded first, then named by a message."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="attachments"
    )
    # Null: not sent yet.
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.CASCADE, related_name="files"
    )
    # Who has uploaded it; null: the customer.
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    file = models.FileField(storage=attachment_storage)
    name = models.CharField(max_length=120)
    type = models.CharField(max_length=20)
    size = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name


class MessageWords(models.Model):
    """A message's words, which PostgreSQL keeps beside it in a generated column: see search.py.
    Django's own columns of the table are in Message, so that no page fetches these."""

    conversation = models.ForeignKey(Conversation, on_delete=models.DO_NOTHING, related_name="+")
    seq = models.PositiveIntegerField()
    words = SearchVectorField()

    class Meta:
        managed = False
        db_table = "chatbot_message"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.words)


class Summary(models.Model):
    """What a conversation was about, made by the language model and checked against it."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, related_name="summary"
    )
    problem = models.TextField(blank=True)
    tried = models.TextField(blank=True)
    question = models.TextField("open question", blank=True)
    # Means of the customer's first and last messages' scores, -1 to 1.
    mood_start = models.FloatField(null=True, blank=True)
    mood_end = models.FloatField(null=True, blank=True)
    # The last message that it knows.
    seq = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)
    # Null: as the machine made it.
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        verbose_name_plural = "summaries"

    def __str__(self) -> str:
        return f"Summary of {str(self.conversation_id)[:8]}"


class Note(models.Model):
    """What agents tell each other. Never a Message: nothing that customers are sent reads it."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"Note on {str(self.conversation_id)[:8]}"


class Correction(models.Model):
    """What an agent heard in a customer's message, where the classifier heard something else."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="correction")
    label = models.CharField(max_length=10, choices=[(label, label) for label in LABELS])
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.message_id}: {self.label}"
