"""What reports add up."""

from django.conf import settings
from django.db import models

from chatbot.models.inboxes import Inbox


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
