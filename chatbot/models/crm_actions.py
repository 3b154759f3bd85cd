"""What the CRM does for customers who have confirmed it."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from chatbot.models.conversations import Conversation
from chatbot.models.inboxes import Inbox
from chatbot.models.seen import seen
from crm.models import Endpoint

# Kinds of fields that customers write themselves, and so may hold personal data.
WRITTEN = {"text", "phone", "email"}


class Action(models.Model):
    """What the CRM does for a customer who asks for it in the chat, and has confirmed it there."""

    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE, related_name="actions")
    key = models.SlugField(help_text="How the event names it, e.g. open_return.")
    name = models.CharField(
        max_length=60, validators=[seen], help_text="As customers read it: Open a return."
    )
    text = models.CharField(
        "what it does",
        max_length=300,
        validators=[seen],
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
    """What the customer is asked for. `conversation/action_forms.py` has the kinds."""

    action = models.ForeignKey(Action, on_delete=models.CASCADE, related_name="fields")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.SlugField(max_length=40, help_text="How the event names it, e.g. order.")
    label = models.CharField(max_length=80, validators=[seen], help_text="As customers read it.")
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
