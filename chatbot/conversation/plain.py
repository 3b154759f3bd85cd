"""Makes customers' texts safe to show where no markup sets them apart: e-mails, files, titles."""

import re

# Characters that change the direction of reading or control a terminal: with them, a text could
# look like a different one.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def without_controls(text: str) -> str:
    """Remove invisible control characters. Joiners stay, since emoji need them."""
    return INVISIBLE.sub("", text)


def indented(text: str) -> str:
    """Indent all lines but the first, so that none of them looks like the next speaker's."""
    return "\n    ".join(map(without_controls, text.splitlines()))
