"""Records of erased data: the counts stay."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from chatbot.models.inboxes import Inbox


class Erasure(models.Model):
    """A request to erase a customer. The counts stay, the customer's data does not."""

    customer = models.CharField(max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    asked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)
    # The numbers of erased conversations, messages and records.
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return f"Erasure of {self.customer}"


class DeletedCount(models.Model):
    """Counts of what the retention rules removed, for an inbox and a day of conversations."""

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
