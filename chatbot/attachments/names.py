"""File names that are safe to show and to save, with an ending that matches the content."""

import re
import unicodedata
from pathlib import PurePosixPath

from chatbot.attachments.kinds import Kind

LONGEST = 100
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
# Controls, formats (such as bidi and zero-width), surrogates, private and unassigned characters.
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe(name: str, kind: Kind) -> str:
    """Drop deceptive characters, and give the name the ending of the content's type."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    visible = "".join(char for char in text if unicodedata.category(char) not in INVISIBLE)
    words = " ".join(FORBIDDEN.sub("_", visible).split()).strip(". ")
    if not words:
        words = "image" if kind.is_image else "document"
    endings = {kind.ending, ".jpeg"} if kind.ending == ".jpg" else {kind.ending}
    if PurePosixPath(words).suffix.lower() in endings:
        stem, ending = words.rsplit(".", 1)
        return f"{stem[:LONGEST]}.{ending.lower()}"
    return f"{words[:LONGEST]}{kind.ending}"
