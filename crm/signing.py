"""Webhook signatures after the Standard Webhooks specification, made by its own library."""

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from standardwebhooks import Webhook

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
# How long an old secret remains valid after a new one is made.
OVERLAP = timedelta(hours=24)


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def rotated(known: Sequence[Mapping[str, Any]], given: str = "") -> list[Any]:
    """Return a new secret (or the one `given` by another system) and the previous one, which
    expires after OVERLAP."""
    until = (timezone.now() + OVERLAP).isoformat()
    previous = [
        {"secret": entry["secret"], "until": until} for entry in known[:1] if entry["until"] is None
    ]
    return [{"secret": given or new_secret(), "until": None}, *previous]


def current(known: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the secrets that are still valid, newest first."""
    now = timezone.now()
    return [
        entry["secret"]
        for entry in known
        if entry["until"] is None or datetime.fromisoformat(entry["until"]) > now
    ]


def sign(event: str, at: datetime, body: bytes, known: Sequence[str]) -> dict[str, str]:
    """Return the headers of a request with this body, with one signature for each secret."""
    signatures = [Webhook(secret).sign(event, at, body.decode()) for secret in known]
    return {
        ID: event,
        TIMESTAMP: str(int(at.timestamp())),
        SIGNATURE: " ".join(signatures),
    }
