"""Daily figures for reports."""

from django.conf import settings
from django.db import models

from chatbot.models.inboxes import Inbox


class Figure(models.Model):
    """A sum for one day. Reports add figures up, so that no page reads messages."""

    day = models.DateField()
    inbox = models.ForeignKey(Inbox, on_delete=models.CASCADE)
    # Null: for the whole inbox. Set: only for this agent's work.
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE
    )
    measure = models.CharField(max_length=40)
    topic = models.CharField(max_length=60, blank=True)
    count = models.PositiveBigIntegerField(default=0)
    total = models.FloatField(default=0.0)
    # For times: the count in each bucket of reports.measures.BUCKETS.
    buckets = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["day", "inbox"], name="figure_day")]
        verbose_name_plural = "figures"

    def __str__(self) -> str:
        return f"{self.day} {self.measure}"


class FiguresUpTo(models.Model):
    """The time up to which the figures include every change."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.at)
