"""What a file is, by its content alone: neither its name nor what its sender calls it counts."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from chatbot.attachments import images
from chatbot.attachments.images import Malformed
from chatbot.wire.errors import Refused

MB = 1024 * 1024
# Of an image or a frame of it: more would choke its reader's browser.
MOST_PIXELS = 50_000_000
PDF_ENDS = re.compile(rb"startxref\s+\d+\s+%%EOF\s*")
NOT_TAKEN = "This kind of file cannot be sent here. Images (PNG, JPEG, GIF, WebP) and PDF can."


@dataclass(frozen=True)
class Kind:
    type: str
    word: str
    ending: str
    begins: re.Pattern[bytes]
    # The file as it is kept; Malformed where it is not what it begins like.
    clean: Callable[[bytes], bytes]

    @property
    def is_image(self) -> bool:
        return self.type.startswith("image/")


def image(walk: Callable[[bytes], images.Image]) -> Callable[[bytes], bytes]:
    def clean(data: bytes) -> bytes:
        found = walk(data)
        if found.pixels > MOST_PIXELS:
            text = f"This image has {math.ceil(found.pixels / 1e6)} million pixels; "
            raise Refused("too_large", f"{text}{MOST_PIXELS // 1_000_000} million is the most.")
        return found.data

    return clean


def pdf(data: bytes) -> bytes:
    """Up to its end; what is inside stays as it is, and is never opened here."""
    end = PDF_ENDS.match(data, max(0, data.rfind(b"startxref")))
    if end is None:
        raise Malformed
    return data[: end.end()]


KINDS = [
    Kind("image/png", "PNG", ".png", re.compile(re.escape(images.PNG)), image(images.png)),
    Kind("image/jpeg", "JPEG", ".jpg", re.compile(rb"\xff\xd8\xff"), image(images.jpeg)),
    Kind("image/gif", "GIF", ".gif", re.compile(rb"GIF8[79]a"), image(images.gif)),
    Kind("image/webp", "WebP", ".webp", re.compile(rb"RIFF....WEBP", re.S), image(images.webp)),
    Kind("application/pdf", "PDF", ".pdf", re.compile(rb"%PDF-[12]\.\d"), pdf),
]
BY_TYPE = {kind.type: kind for kind in KINDS}


def recognised(data: bytes) -> tuple[Kind, bytes]:
    """What it is, and the file as it is kept. Refused with the reason for its sender."""
    kind = next((one for one in KINDS if one.begins.match(data)), None)
    if kind is None:
        raise Refused("unsupported", NOT_TAKEN)
    try:
        return kind, kind.clean(data)
    except Malformed:
        text = f"This file begins like a {kind.word}, but is damaged or something else."
        raise Refused("unsupported", text) from None


def check_size(count: int) -> None:
    most = settings.ATTACHMENT_MAX_BYTES
    if count > most:
        raise Refused("too_large", f"This file is {size(count)}; {size(most)} is the most.")


def limits() -> dict[str, Any]:
    """For the pages on which files are picked."""
    return {
        "bytes": settings.ATTACHMENT_MAX_BYTES,
        "count": settings.ATTACHMENTS_PER_MESSAGE,
        "types": ",".join(BY_TYPE),
    }


def size(count: int) -> str:
    """In words. Rounded up: what is too large does not read as if it were not."""
    unit, name = (MB, "MB") if count >= MB else (1024, "KB")
    return f"{math.ceil(count / unit * 10) / 10:g} {name}"
