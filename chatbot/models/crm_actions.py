"""Actions of the CRM that customers confirm in the chat."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from chatbot.models.conversations import Conversation
from chatbot.models.inboxes import Inbox
from chatbot.models.seen import seen
from crm.models import Endpoint

# Kinds of fields that customers write themselves: they may hold personal data.
WRITTEN = {"text", "phone", "email"}


class Action(models.Model):
    """Something that the CRM does for a customer who asks for it and confirms it in the chat."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, related_name="actions")
    key = models.SlugField(help_text="Its name in the event, e.g. open_return.")
    name = models.CharField(
        max_length=60, validators=[seen], help_text="Customers read it, e.g. Open a return."
    )
    text = models.CharField(
        "what it does",
        max_length=300,
        validators=[seen],
        help_text="Customers read it: what happens after they confirm.",
    )
    words = models.JSONField(default=list, help_text="Words that customers use to ask for it.")
    endpoints = models.ManyToManyField(
        Endpoint, blank=True, help_text="They carry it out: each of them receives the request."
    )
    signed_in = models.BooleanField(
        "only for signed-in customers",
        default=True,
        help_text="Off: visitors who are not signed in on your site get the offer too.",
    )
    patience = models.PositiveSmallIntegerField(
        "minutes without an answer",
        default=10,
        validators=[MinValueValidator(1)],
        help_text="After this time, Attune asks a colleague to handle the request.",
    )
    active = models.BooleanField(default=True, help_text="Off: nobody gets the offer.")

    class Meta:
        ordering = ["inbox", "name"]
        constraints = [models.UniqueConstraint(fields=["inbox", "key"], name="action_key")]

    def __str__(self) -> str:
        return self.name


class ActionField(models.Model):
    """A field of an action's form. `conversation/action_forms.py` has the kinds."""

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.SlugField(max_length=40, help_text="Its name in the event, e.g. order.")
    label = models.CharField(max_length=80, validators=[seen], help_text="Customers read it.")
    kind = models.CharField(max_length=10, default="text")
    required = models.BooleanField(default=True)
    options = models.JSONField(
        default=list,
        blank=True,
        help_text="For a choice: the options. For a record: its kinds, e.g. order.",
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["action", "name"], name="action_field")]

    def __str__(self) -> str:
        return self.label


class ActionRequest(models.Model):
    """An action that was offered to a customer, and its outcome."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Offered"
        DISMISSED = "dismissed", "Declined by the customer"
        EXPIRED = "expired", "No longer open"
        SENT = "sent", "Sent to the CRM"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused by the CRM"
        UNANSWERED = "unanswered", "Without an answer"

    # Also the idempotency key, and the id of the event that requests the action.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="requests"
    )
    action = models.ForeignKey(Action, on_delete=models.RESTRICT, related_name="requests")
    # The message that carries the offer.
    seq = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.PROPOSED)
    # For each field {"name", "label", "kind", "value", "shown"}: first the values in the customer's
    # message, later the confirmed ones.
    values = models.JSONField(default=list, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="The CRM's answer.")
    offered_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    # The CRM's deadline; after it, a person is asked.
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
