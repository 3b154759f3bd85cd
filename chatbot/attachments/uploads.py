"""Refuses uploads beyond the limits in the settings (`ATTACHMENT_…`), each with an HTTP status."""

from typing import Any

from django.conf import settings

from chatbot.attachments import kinds
from chatbot.wire import limits
from chatbot.wire.errors import Refused

# Bytes that the form may add around the file.
FORM = 16 * 1024
STATUS = {"too_large": 413, "unsupported": 415, "rate_limited": 429, "full": 409, "closed": 409}
STATUS |= {"not_yours": 403}


def check_rate(who: str, times: int = 1) -> None:
    if wait := limits.take("attachment", who, times * settings.ATTACHMENTS_PER_MINUTE):
        raise Refused("rate_limited", "Too many files at once. Please wait a moment.", wait)


def uploaded(request: Any) -> tuple[str, bytes]:
    """Return the form's file. A file that is too large is refused before the form is parsed."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > settings.ATTACHMENT_MAX_BYTES + FORM:
        kinds.check_size(int(length))
    file = request.FILES.get("file")
    if file is None:
        raise Refused("invalid", "Send the file in the field `file` of a form.")
    kinds.check_size(file.size)
    return file.name, file.read()
