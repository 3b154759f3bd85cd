"""Texts of others where no markup can set them apart: e-mails, files, a page's title."""

import re

# Of reading's direction, and of terminals: they would show a text as another one.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def plain(text: str) -> str:
    """In one direction, and with nothing that is not seen. Joiners stay: emoji need them."""
    return INVISIBLE.sub("", text)


def indented(text: str) -> str:
    """Further lines stand further in: none of them looks like the next speaker's."""
    return "\n    ".join(map(plain, text.splitlines()))
