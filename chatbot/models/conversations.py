"""Conversations and messages, with their files, summaries, notes and corrections."""

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
    # Counts changes of the owner: an answer that the bot began before a change is not posted.
    version = models.PositiveIntegerField(default=0)
    handoff_reason = models.CharField(max_length=300, blank=True)
    # The customer's words behind the reason, kept apart from our sentence to be erased alone.
    handoff_quote = models.CharField(max_length=300, blank=True)
    # The agent who answers in state `agent`, or who answered before it was closed.
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    waiting_since = models.DateTimeField(null=True, blank=True)
    # When the waiting customer was told that nobody is there.
    away_at = models.DateTimeField(null=True, blank=True)
    # The address that the customer left, and the last answer that was mailed there.
    contact_email = models.EmailField(blank=True)
    # The CRM knows the address as theirs, or its owner has confirmed it: see mail_links.py.
    contact_confirmed = models.BooleanField(default=False)
    mailed_seq = models.PositiveIntegerField(default=0)
    # The team that it was passed to, until a member takes it.
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL)
    last_seq = models.PositiveIntegerField(default=0)
    read_seq = models.PositiveIntegerField(default=0, help_text="The last seq the visitor saw.")
    # Recency-weighted mean of the customer's scores, -1 to 1. Null: no score yet.
    mood = models.FloatField(null=True, blank=True)
    mood_slope = models.FloatField(default=0.0, help_text="Change of the score per message.")
    # The lowest of the customer's last few scores. Null: none is sure enough.
    worst = models.FloatField(null=True, blank=True)
    # The customer's last scores, oldest first: lists draw them.
    scores = models.JSONField(default=list)
    # Why an agent should look, and how urgently; "" and 0: no reason.
    alert = models.CharField(max_length=300, blank=True)
    alert_quote = models.CharField(max_length=300, blank=True)
    alert_weight = models.FloatField(default=0.0)
    # An agent has seen the alert: it calls nobody until it gets worse or a snooze ends.
    alert_seen = models.BooleanField(default=False)
    # Counts the alerts that were raised.
    alerts = models.PositiveSmallIntegerField(default=0)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    # Successive answers that found nothing on record.
    unanswered = models.PositiveSmallIntegerField(default=0)
    # The customer's rating after it was closed, 1 to 5.
    csat = models.PositiveSmallIntegerField(null=True, blank=True)
    csat_comment = models.CharField(max_length=500, blank=True)
    csat_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    # When personal data was removed from the messages.
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
            # Few of many: the search for answers to mail reads only these.
            models.Index(
                fields=["last_message_at"],
                condition=~models.Q(contact_email=""),
                name="conversation_contact",
            ),
            # Read every few seconds.
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


# The score that a corrected message counts with.
CORRECTED = {"negative": -0.9, "neutral": 0.0, "positive": 0.9}


def quoting(reason: str, quote: str) -> str:
    """Join a reason and the customer's words, for agents."""
    return f"{reason.removesuffix('.')}: “{quote}”" if quote else reason


class Message(models.Model):
    class Author(models.TextChoices):
        CUSTOMER = "customer", "Customer"
        BOT = "bot", "Bot"
        AGENT = "agent", "Agent"
        SYSTEM = "system", "System"

    # No index of its own: `message_seq` begins with this field, and finds the last few of many.
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False
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
    # With a default in the database: processes of the version before go on storing messages.
    choices = models.JSONField(
        default=list,
        db_default=[],
        blank=True,
        help_text="Answers that the customer can give with one click.",
    )
    # Each file's id, name, type and bytes: readers of messages need no other table.
    attachments = models.JSONField(default=list, blank=True)
    # Sentiment of a customer's message; score is p(positive) - p(negative).
    label = models.CharField(max_length=10, blank=True)
    score = models.FloatField(null=True, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    # What else was heard in it: names of inference.sentiment.classifier.INTENTS.
    intents = models.JSONField(default=list, blank=True)
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
    def felt(self) -> float | None:
        """Return the score that counts: an agent's correction comes before the classifier."""
        correction = getattr(self, "correction", None)
        return CORRECTED[correction.label] if correction else self.score

    @property
    def gist(self) -> str:
        """Return the text, or the names of the files if there is no text."""
        return self.text or ", ".join(file["name"] for file in self.attachments)


def attachment_storage() -> Storage:
    return storages["attachments"]


class Attachment(models.Model):
    """A file of a conversation: it is uploaded first, then a message takes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="attachments"
    )
    # Null: not sent yet.
    message = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.CASCADE, related_name="files"
    )
    # The agent who has uploaded it; null: the customer.
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
    """A message's words, which PostgreSQL keeps in a generated column: see search.py. The table's
    other columns are in Message, so that no page fetches the words."""

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
    """A summary that the language model made of a conversation, checked against its messages."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, related_name="summary"
    )
    problem = models.TextField(blank=True)
    tried = models.TextField(blank=True)
    question = models.TextField("open question", blank=True)
    # Means of the customer's first and last messages' scores, -1 to 1.
    mood_start = models.FloatField(null=True, blank=True)
    mood_end = models.FloatField(null=True, blank=True)
    # The last message that the summary covers.
    seq = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)
    # Null: nobody has changed the machine's summary.
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        verbose_name_plural = "summaries"

    def __str__(self) -> str:
        return f"Summary of {str(self.conversation_id)[:8]}"


class Note(models.Model):
    """A note among agents. It is not a Message, so nothing that is sent to customers reads it."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"Note on {str(self.conversation_id)[:8]}"


class Correction(models.Model):
    """An agent's sentiment label for a customer's message that the classifier got wrong."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="correction")
    label = models.CharField(max_length=10, choices=[(label, label) for label in LABELS])
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.message_id}: {self.label}"
