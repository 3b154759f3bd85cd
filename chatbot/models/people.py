"""Staff who answer customers: teams, presence, saved views, accounts, canned answers."""

from django.conf import settings
from django.db import models

from chatbot.models.inboxes import Inbox
from chatbot.models.seen import seen


class Team(models.Model):
    """Agents who answer for certain inboxes, or who know certain topics."""

    name = models.CharField(max_length=60, unique=True, validators=[seen])
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")
    inboxes = models.ManyToManyField(Inbox, blank=True, help_text="None: all inboxes.")
    topics = models.JSONField(
        default=list,
        blank=True,
        help_text="Customers' words that send a request to this team first.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Presence(models.Model):
    """An agent's presence, and how many conversations they take at a time."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE
    )
    # Updated while the agent's live inbox is open; see presence.py.
    seen_at = models.DateTimeField(null=True, blank=True)
    away = models.BooleanField(default=False)
    capacity = models.PositiveSmallIntegerField(default=5)

    class Meta:
        verbose_name = "agent"

    def __str__(self) -> str:
        return str(self.user)


class SavedView(models.Model):
    """A list of the live inbox that an agent has saved."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="views"
    )
    name = models.CharField(max_length=40)
    # The fields of the console's frame `list`.
    wanted = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="view_once")]

    def __str__(self) -> str:
        return self.name


class ProviderAccount(models.Model):
    """A staff member's permanent id at the single sign-on provider."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="provider_account_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class CannedAnswer(models.Model):
    """A text that agents send often. It may contain {customer}, {agent}, {inbox} and {order}."""

    shortcut = models.SlugField(unique=True, help_text="Agents type /shortcut to find it.")
    text = models.TextField(
        validators=[seen],
        help_text="May contain {customer}, {agent}, {inbox} and {order}: the names of the "
        "customer, the agent and the inbox, and the title of the customer's latest order.",
    )
    inbox = models.ForeignKey(
        Inbox, null=True, blank=True, on_delete=models.CASCADE, help_text="Empty: every inbox."
    )

    class Meta:
        ordering = ["shortcut"]

    def __str__(self) -> str:
        return f"/{self.shortcut}"
