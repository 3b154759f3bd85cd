"""Signatures of webhooks, as the Standard Webhooks specification has them, by its own library."""

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from standardwebhooks import Webhook

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
# How long an old secret goes on to count after a new one was made.
OVERLAP = timedelta(hours=24)


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def rotated(known: Sequence[Mapping[str, Any]], given: str = "") -> list[Any]:
    """A new secret, or the one `given` by another system, and the one before it for a while."""
    until = (timezone.now() + OVERLAP).isoformat()
    before = [
        {"secret": one["secret"], "until": until} for one in known[:1] if one["until"] is None
    ]
    return [{"secret": given or new_secret(), "until": None}, *before]


def current(known: Iterable[Mapping[str, Any]]) -> list[str]:
    """Newest first."""
    now = timezone.now()
    return [
        one["secret"]
        for one in known
        if one["until"] is None or datetime.fromisoformat(one["until"]) > now
    ]


def sign(event: str, at: datetime, body: bytes, known: Sequence[str]) -> dict[str, str]:
    """Headers of a request that carries these bytes, with a signature of each secret."""
    signatures = [Webhook(secret).sign(event, at, body.decode()) for secret in known]
    return {
        ID: event,
        TIMESTAMP: str(int(at.timestamp())),
        SIGNATURE: " ".join(signatures),
    }
