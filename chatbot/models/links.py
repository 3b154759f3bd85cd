"""One-time links that were used."""

from django.db import models
from django.utils import timezone


class UsedLink(models.Model):
    """A used link, kept for the link's lifetime; a cache might lose it earlier, at a restart."""

    digest = models.CharField(primary_key=True, max_length=64)
    used_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest
