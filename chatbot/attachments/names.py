"""Names of files that may be shown and saved: no more than a name, and true to the content."""

import re
import unicodedata
from pathlib import PurePosixPath

from chatbot.attachments.kinds import Kind

LONGEST = 100
FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
# Controls, formats (bidi and zero-width among them), surrogates, private and unassigned ones.
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def safe(name: str, kind: Kind) -> str:
    """As given, without what could deceive; it ends as the content does, whatever it said."""
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    seen = "".join(one for one in text if unicodedata.category(one) not in INVISIBLE)
    words = " ".join(FORBIDDEN.sub("_", seen).split()).strip(". ")
    if not words:
        words = "image" if kind.is_image else "document"
    endings = {kind.ending, ".jpeg"} if kind.ending == ".jpg" else {kind.ending}
    if PurePosixPath(words).suffix.lower() in endings:
        stem, ending = words.rsplit(".", 1)
        return f"{stem[:LONGEST]}.{ending.lower()}"
    return f"{words[:LONGEST]}{kind.ending}"
