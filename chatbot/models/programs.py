"""Programs that use the API."""

from django.db import models
from django.utils import timezone

from chatbot.models.seen import seen


class ApiKey(models.Model):
    """A program's key to the API. Only its digest is stored, not the key."""

    name = models.CharField(
        max_length=100, validators=[seen], help_text="Its owner and its purpose."
    )
    # The first characters, to tell keys apart.
    prefix = models.CharField(max_length=12, editable=False)
    # SHA-256: nobody can guess 32 random bytes, so a slow hash would gain nothing.
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

    def revoke(self) -> None:
        self.revoked = True
        self.save(update_fields=["revoked"])


class IdempotentAnswer(models.Model):
    """The answer to a request with an Idempotency-Key, kept for a day."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE)
    value = models.CharField(max_length=200)
    # SHA-256 of method, path and body.
    request = models.CharField(max_length=64)
    # Null: the request is still in progress.
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "value"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.value
