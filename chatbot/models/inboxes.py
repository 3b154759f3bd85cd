"""Inboxes and their visitors."""

import secrets
import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from chatbot.models.seen import seen
from crm.models import Customer
from inference.sentiment import alert_rules

# The widget's --accent in chatbot/static/chatbot/widget/styles/theme.css.
OWN_COLOUR = "#0e665a"


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def own_time_zone() -> str:
    return settings.TIME_ZONE


class Inbox(models.Model):
    """A place where customers write: a site, a brand, a shop."""

    class Position(models.TextChoices):
        RIGHT = "right", "Right"
        LEFT = "left", "Left"

    class Tone(models.TextChoices):
        PLAIN = "plain", "Plain"
        WARM = "warm", "Warm"
        FORMAL = "formal", "Formal"

    key = models.SlugField(unique=True, help_text="The value of the widget's data-inbox.")
    name = models.CharField(max_length=100, validators=[seen])
    greeting = models.CharField(
        max_length=300, default="Hello! How can I help you today?", validators=[seen]
    )
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

    # The widget's look; its logo is a row of InboxLogo.
    bot_name = models.CharField(
        max_length=40,
        default="Assistant",
        db_default="Assistant",
        validators=[seen],
        help_text="Shown above the bot's messages.",
    )
    colour = models.CharField(max_length=7, default=OWN_COLOUR, db_default=OWN_COLOUR)
    position = models.CharField(
        max_length=5,
        choices=Position,
        default=Position.RIGHT,
        db_default=Position.RIGHT,
        help_text="The lower corner of the page in which the chat opens.",
    )
    suggestions = models.JSONField("suggested questions", default=list, db_default=[], blank=True)

    learning = models.BooleanField(
        "learn from corrections",
        default=False,
        help_text="Tick only if customers agreed that their corrected messages, without personal "
        "data, may train this site's sentiment classifier.",
    )

    # When agents are alerted: see inference/sentiment/alert_rules.py. 0 turns a rule off.
    alert_in_a_row = models.PositiveSmallIntegerField(
        "negative messages in a row", default=alert_rules.USUAL.in_a_row, help_text="0: never."
    )
    alert_repeated = models.PositiveSmallIntegerField(
        "the customer says it is the … time",
        default=alert_rules.USUAL.repeated,
        help_text="0: never.",
    )
    alert_threats = models.BooleanField(
        "the customer threatens to leave, to complain elsewhere or to sue",
        default=alert_rules.USUAL.threats,
    )
    alert_urgent = models.BooleanField(
        "the customer seems to need a person's help: danger, a loss, a promise broken again",
        default=alert_rules.USUAL.urgent,
    )
    alert_fall = models.FloatField(
        "the score falls by",
        default=alert_rules.USUAL.fall,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text=f"From {alert_rules.FELL_FROM:g} or higher, on the scale from −1 to 1. 0: never.",
    )
    alert_mood = models.FloatField(
        "the mood is at or below",
        default=alert_rules.USUAL.bad_mood,
        validators=[MinValueValidator(-1.0), MaxValueValidator(0.0)],
        help_text="After at least two negative messages. 0: never.",
    )
    alert_emails = models.JSONField(
        "e-mail alerts to", default=list, blank=True, help_text="Addresses, one per line."
    )

    hand_off_on = models.JSONField(
        "always hand off to a person",
        default=list,
        blank=True,
        help_text="Words or phrases, one per line: a message that has one goes to a person.",
    )
    # Guidance for the bot: see chatbot/reply/guidance.py.
    tone = models.CharField(
        max_length=6,
        choices=Tone,
        default=Tone.PLAIN,
        db_default=Tone.PLAIN,
        help_text="How the bot's own sentences sound. The tone does not change what your records "
        "say.",
    )
    # Lines such as "legal advice: We cannot advise you on the law."
    never_about = models.JSONField("never talk about", default=list, db_default=[], blank=True)
    # The bot's own sentences in the inbox's words, by their names in conversation/wording.py.
    sentences = models.JSONField(default=dict, db_default={}, blank=True, editable=False)
    # Off until somebody turns it on: people may take back what they have typed.
    read_ahead = models.BooleanField(
        "read ahead while customers type",
        default=False,
        db_default=False,
        help_text="The bot answers sooner, because it looks records up before the message is sent. "
        "What is typed is not stored and nobody sees it; say so in your privacy notice.",
    )
    auto_assign = models.BooleanField(
        "assign automatically",
        default=False,
        help_text="Waiting customers go to the least busy agent who is online and has room.",
    )

    # Business hours: see chatbot/people/hours.py. No hours: always open.
    time_zone = models.CharField(max_length=60, default=own_time_zone)
    hours = models.JSONField(default=dict, blank=True)
    special_days = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name_plural = "inboxes"

    def __str__(self) -> str:
        return self.name


class InboxLogo(models.Model):
    """An inbox's logo, in a table of its own: inboxes are read with every message."""

    inbox = models.OneToOneField(
        Inbox, on_delete=models.CASCADE, primary_key=True, related_name="logo"
    )
    type = models.CharField(max_length=20)
    data = models.BinaryField()
    # The start of its SHA-256, so that a browser keeps a logo until it changes.
    digest = models.CharField(max_length=16)

    def __str__(self) -> str:
        return f"Logo of {self.inbox}"


class SetupDismissed(models.Model):
    """Somebody has put the setup checklist of this installation away. There is one row at most."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Put away on {self.at:%Y-%m-%d}"


class Visitor(models.Model):
    """A browser, or a customer for whom the site's server has vouched."""

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
