"""File types, detected from content: neither a file's name nor its declared type counts."""

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
# Of an image or one of its frames: more would choke the reader's browser.
MOST_PIXELS = 50_000_000
PDF_ENDS = re.compile(rb"startxref\s+\d+\s+%%EOF\s*")
NOT_TAKEN = "This kind of file cannot be sent here. Images (PNG, JPEG, GIF, WebP) and PDF can."


@dataclass(frozen=True)
class Kind:
    type: str
    word: str
    ending: str
    begins: re.Pattern[bytes]
    # Returns the file as it is stored; raises Malformed if the content does not match its start.
    clean: Callable[[bytes], bytes]

    @property
    def is_image(self) -> bool:
        return self.type.startswith("image/")


def image(walk: Callable[[bytes], images.Image]) -> Callable[[bytes], bytes]:
    def clean(data: bytes) -> bytes:
        image = walk(data)
        if image.pixels > MOST_PIXELS:
            text = f"This image has {math.ceil(image.pixels / 1e6)} million pixels; "
            raise Refused("too_large", f"{text}{MOST_PIXELS // 1_000_000} million is the most.")
        return image.data

    return clean


def pdf(data: bytes) -> bytes:
    """Cut a PDF at its end; its content stays as it is and is never opened here."""
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
    """Return the file's kind, and the file as it is stored. Refused says to the sender why not."""
    kind = next((kind for kind in KINDS if kind.begins.match(data)), None)
    if kind is None:
        raise Refused("unsupported", NOT_TAKEN)
    try:
        return kind, kind.clean(data)
    except Malformed:
        text = f"This file starts like a {kind.word}, but it is damaged or something else."
        raise Refused("unsupported", text) from None


def check_size(count: int) -> None:
    most = settings.ATTACHMENT_MAX_BYTES
    if count > most:
        raise Refused("too_large", f"This file is {size(count)}; {size(most)} is the most.")


def limits() -> dict[str, Any]:
    """Return the limits for the pages on which people pick files."""
    return {
        "bytes": settings.ATTACHMENT_MAX_BYTES,
        "count": settings.ATTACHMENTS_PER_MESSAGE,
        "types": ",".join(BY_TYPE),
    }


def size(count: int) -> str:
    """Write a size in KB or MB, rounded up: a file that is too large must not seem to fit."""
    unit, name = (MB, "MB") if count >= MB else (1024, "KB")
    return f"{math.ceil(count / unit * 10) / 10:g} {name}"
