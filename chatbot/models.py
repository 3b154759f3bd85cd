"""Conversations: who talks, what was said, and what produced each answer."""

import secrets
import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.search import SearchVectorField
from django.core.exceptions import ValidationError
from django.core.files.storage import Storage, storages
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone

from chatbot.privacy import is_private
from crm.models import Customer, Endpoint
from inference.sentiment import LABELS, mood


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def own_time_zone() -> str:
    return settings.TIME_ZONE


class Inbox(models.Model):
    """One place where customers write: a site, a brand, a shop."""

    key = models.SlugField(unique=True, help_text="Stands in the widget's data-inbox.")
    name = models.CharField(max_length=100)
    greeting = models.CharField(max_length=300, default="Hello! How can I help you today?")
    secret = models.CharField(
        max_length=200,
        default=new_secret,
        help_text="Your site's server signs the identity token with it (HS256).",
    )
    origins = models.JSONField(
        default=list,
        blank=True,
        help_text='Sites that may show the widget, e.g. ["https://shop.example"].',
    )

    learning = models.BooleanField(
        "learn from corrections",
        default=False,
        help_text="Its customers have agreed that their corrected messages, with personal data "
        "taken out, may train this site's sentiment classifier.",
    )

    # When agents are alerted: see inference/sentiment/mood.py. 0 turns a rule off.
    alert_in_a_row = models.PositiveSmallIntegerField(
        "negative messages in a row", default=mood.USUAL.in_a_row, help_text="0: never."
    )
    alert_repeated = models.PositiveSmallIntegerField(
        "the customer says it is the … time", default=mood.USUAL.repeated, help_text="0: never."
    )
    alert_fall = models.FloatField(
        "the score falls by",
        default=mood.USUAL.fall,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="From a message that was not negative, on the scale from −1 to 1. 0: never.",
    )
    alert_mood = models.FloatField(
        "the mood is at or below",
        default=mood.USUAL.bad_mood,
        validators=[MinValueValidator(-1.0), MaxValueValidator(0.0)],
        help_text="After two negative messages at least. 0: never.",
    )
    alert_emails = models.JSONField(
        "e-mail alerts to", default=list, blank=True, help_text="Addresses, one per line."
    )

    auto_assign = models.BooleanField(
        "assign by itself",
        default=False,
        help_text="Who waits is given to the least busy agent who is online and has room.",
    )

    # When its people are there: see hours.py. No hours: always.
    time_zone = models.CharField(max_length=60, default=own_time_zone)
    hours = models.JSONField(default=dict, blank=True)
    special_days = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "inboxes"

    def __str__(self) -> str:
        return self.name


class Visitor(models.Model):
    """A browser, or, once its site's server has vouched for it, a customer."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    customer = models.ForeignKey(Customer, null=True, blank=True, on_delete=models.CASCADE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inbox", "customer"], name="visitor_customer")
        ]

    def __str__(self) -> str:
        return str(self.customer) if self.customer else f"Visitor {str(self.id)[:8]}"


class Team(models.Model):
    """Agents who answer for some inboxes, or know about some things."""

    name = models.CharField(max_length=60, unique=True)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")
    inboxes = models.ManyToManyField(Inbox, blank=True, help_text="None: all of them.")
    topics = models.JSONField(
        default=list, blank=True, help_text="Words of customers that this team is asked for first."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """Whether an agent is there, and how many conversations they take at a time."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE
    )
    # While their live inbox is open; see presence.py.
    seen_at = models.DateTimeField(null=True, blank=True)
    away = models.BooleanField(default=False)
    capacity = models.PositiveSmallIntegerField(default=5)

    class Meta:
        verbose_name = "agent"

    def __str__(self) -> str:
        return str(self.user)


class ProviderAccount(models.Model):
    """Who somebody of the staff is at the single sign-on provider: its word for them, for ever."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="provider_account_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


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
    # Who answers in state `agent`; who did, once it is closed.
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    waiting_since = models.DateTimeField(null=True, blank=True)
    # When the customer, who waits, was told that nobody is there.
    away_at = models.DateTimeField(null=True, blank=True)
    # Where they are written to, if they left that, and the last answer that was mailed there.
    contact_email = models.EmailField(blank=True)
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


class CannedAnswer(models.Model):
    """A text that agents send often. It may say {customer}, {agent}, {inbox} and {order}."""

    shortcut = models.SlugField(unique=True, help_text="Agents type /shortcut to find it.")
    text = models.TextField(
        help_text="May say {customer}, {agent}, {inbox} and {order}: the customer's name, the "
        "agent's, the inbox's, and the title of the customer's latest order."
    )
    inbox = models.ForeignKey(
        Inbox, null=True, blank=True, on_delete=models.CASCADE, help_text="Empty: every inbox."
    )

    class Meta:
        ordering = ["shortcut"]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


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


class Figure(models.Model):
    """What one day came to: sums that reports add up, so that no page looks at messages."""

    day = models.DateField()
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    # Null: of the whole inbox. Set: only of what this agent did.
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE
    )
    measure = models.CharField(max_length=40)
    topic = models.CharField(max_length=60, blank=True)
    count = models.PositiveBigIntegerField(default=0)
    total = models.FloatField(default=0.0)
    # Of times: how many fell into each bucket of reports.measures.BUCKETS.
    buckets = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["day", "inbox"], name="figure_day")]
        verbose_name_plural = "figures"

    def __str__(self) -> str:
        return f"{self.day} {self.measure}"


class FiguresUpTo(models.Model):
    """Until when the figures know of every change."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.at)


class ApiKey(models.Model):
    """What a program shows to use the API. The key itself is not kept."""

    name = models.CharField(max_length=100, help_text="Whose it is, and what for.")
    # The first characters, by which people tell keys apart.
    prefix = models.CharField(max_length=12, editable=False)
    # SHA-256: of 32 random bytes nothing can be guessed, so a slow hash would gain nothing.
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, for a day."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    value = models.CharField(max_length=200)
    # SHA-256 of method, path and body.
    request = models.CharField(max_length=64)
    # Null: it is being answered.
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "value"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.value


class Erasure(models.Model):
    """Somebody's wish that a customer be forgotten; the counts stay, the person does not."""

    customer = models.CharField(max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    # How many conversations, messages and records went.
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"Erasure of {self.customer}"


class DeletedCount(models.Model):
    """What the retention rules removed, a row for each inbox and day of the conversations."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    day = models.DateField()
    conversations = models.PositiveIntegerField(default=0)
    messages = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["inbox", "day"], name="deleted_count_of_day")
        ]

    def __str__(self) -> str:
        return f"{self.inbox} {self.day}"


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


class Tier(models.Model):
    """A language model of one size. Without any, SLM_URL and SLM_NAME are the only one."""

    name = models.SlugField(unique=True, help_text="small, large …")
    model = models.CharField(max_length=100, help_text="The model's name on its servers.")
    from_difficulty = models.FloatField(
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="It answers what is at least so difficult, 0 to 1; the smallest one has 0.",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["from_difficulty", "name"]
        verbose_name = "language model tier"

    def __str__(self) -> str:
        return self.name


class Replica(models.Model):
    """One of a tier's servers. They are interchangeable: the least busy one answers."""

    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, related_name="replicas")
    # A CharField: Django's URLs need a dot, names inside a private network have none.
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
    # As the web process that looked last found it.
    illness = models.CharField(max_length=300, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.url

    @property
    def health(self) -> str:
        if self.looked_at is None:
            return "not looked at yet"
        return self.illness or "well"

    def clean(self) -> None:
        self.url = self.url.rstrip("/")
        host = urlsplit(self.url).hostname
        if host and not is_private(host):
            raise ValidationError(
                {"url": f"{host} is outside the private network: messages would leave it."}
            )


class Reply(models.Model):
    """What produced a bot answer, and the claim of the process that works on it."""

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
    # The process that works on it and until when; another takes over once the lease has ended.
    worker = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True, db_index=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # The conversation's when the reply was asked for.
    version = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=10, blank=True, help_text="answered, refused, handoff, chat, proposed"
    )
    route = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    model = models.CharField(max_length=100, blank=True)
    # Difficulty, scores, thresholds and the reason in words.
    routing = models.JSONField(default=dict, blank=True)
    # Per request to a model: tier, model, seconds, tokens read and written.
    generations = models.JSONField(default=list, blank=True)
    passages = models.JSONField(default=list, blank=True)
    withheld = models.JSONField(default=list, blank=True)
    timings = models.JSONField(default=dict, blank=True, help_text="Seconds from the claim.")
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="reply_created"),
            # The few that are open, among all there ever were: every process looks for them.
            models.Index(
                fields=["created_at"],
                condition=models.Q(status__in=["pending", "running"]),
                name="reply_open",
            ),
        ]
        verbose_name_plural = "replies"

    def __str__(self) -> str:
        return f"Reply to {self.question_id} ({self.status})"


class Action(models.Model):
    """What the CRM does for a customer who asks for it in the chat, and has confirmed it there."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, related_name="actions")
    key = models.SlugField(help_text="How the event names it, e.g. open_return.")
    name = models.CharField(max_length=60, help_text="As customers read it: Open a return.")
    text = models.CharField(
        "what it does",
        max_length=300,
        help_text="As customers read it: what happens once they have confirmed it.",
    )
    words = models.JSONField(default=list, help_text="Words by which customers ask for it.")
    endpoints = models.ManyToManyField(
        Endpoint, blank=True, help_text="Who carries it out: each of them is sent the request."
    )
    signed_in = models.BooleanField(
        "only for signed-in customers",
        default=True,
        help_text="Off: visitors whom your site has not vouched for are offered it too.",
    )
    patience = models.PositiveSmallIntegerField(
        "minutes without an answer",
        default=10,
        validators=[MinValueValidator(1)],
        help_text="After which a colleague is asked to look after it.",
    )
    active = models.BooleanField(default=True, help_text="Off: nobody is offered it.")

    class Meta:
        ordering = ["inbox", "name"]
        constraints = [models.UniqueConstraint(fields=["inbox", "key"], name="action_key")]

    def __str__(self) -> str:
        return self.name


class ActionField(models.Model):
    """What the customer is asked for. The kinds are those of `chatbot/fields.py`."""

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.SlugField(max_length=40, help_text="How the event names it, e.g. order.")
    label = models.CharField(max_length=80, help_text="As customers read it.")
    kind = models.CharField(max_length=10, default="text")
    required = models.BooleanField(default=True)
    options = models.JSONField(
        default=list,
        blank=True,
        help_text="Of a choice: what there is to choose. Of a record: its kinds, e.g. order.",
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["action", "name"], name="action_field")]

    def __str__(self) -> str:
        return self.label


class ActionRequest(models.Model):
    """An action that a customer was offered, and what became of it."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Offered"
        DISMISSED = "dismissed", "Not wanted"
        EXPIRED = "expired", "No longer open"
        SENT = "sent", "Sent to the CRM"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        UNANSWERED = "unanswered", "Without an answer"

    # Also the idempotency key, and the id of the event that asks for it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="requests"
    )
    action = models.ForeignKey(Action, on_delete=models.RESTRICT, related_name="requests")
    # The message that it was offered with.
    seq = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    # Of each field {"name", "label", "kind", "value", "shown"}: what the wish named, and later what
    # was confirmed.
    values = models.JSONField(default=list, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="What the CRM said.")
    offered_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # Until when the CRM may answer before a person is asked.
    answer_by = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-offered_at"]
        verbose_name = "request to the CRM"
        verbose_name_plural = "requests to the CRM"
        indexes = [
            models.Index(
                fields=["answer_by"],
                condition=models.Q(state="sent"),
                name="action_request_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} ({self.get_state_display()})"
