"""Links that have done what they were for."""

from django.db import models
from django.utils import timezone


class UsedLink(models.Model):
    """Kept for as long as the link would hold; a cache might forget it before, at a restart."""

    digest = models.CharField(primary_key=True, max_length=64)
    used_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest
