"""Finds what the writer of a message says now: without markup, quotations, signatures and notices.

No library fits: mail-parser-reply 1.36 takes everything after a line "Thanks," for a signature, and
its patterns take time that grows with the square of the text's length, while the customer waits.
"""

import re
from collections.abc import Iterator

from inference.markup import without_markup
from inference.remembered import remembered

# Of a longer text, the beginning is read: it holds the newest part of a mail.
LONGEST = 64_000
# "> text", but neither "> 5 kg" nor the angry face ">:(".
QUOTED = re.compile(r">(?! ?\d|[:;=.][-'o]?[(\[|/\\<c{])")
# Introduces a quoted message; without ">" before its lines, it goes to the end.
WROTE = re.compile(
    r"(?:on\b.{6,160}\bwrote|am\b.{6,160}\bschrieb\b.{0,80}|le\b.{6,160}\ba écrit"
    r"|el\b.{6,160}\bescribió|il\b.{6,160}\bha scritto) ?:",
    re.I,
)
STARTS = re.compile(r"(?:on|am|le|el|il)\b", re.I)
DIVIDER = re.compile(
    r"[-_=]{2,40} ?(?:original|forwarded|previous) (?:message|mail|e-mail)\b|_{10,80}"
    r"|begin forwarded message:",
    re.I,
)
# The lines above an Outlook quotation; a customer's "From: Leeds, To: York" has no subject.
FROM = re.compile(r"\*?(?:from|von)\*?: ", re.I)
SUBJECT = re.compile(r"\*?(?:subject|betreff)\*?: ", re.I)
HEADERS = 6
DEVICE = re.compile(r"(?:sent (?:from|via) (?:my|the|mail)\b|get outlook for\b).{0,60}", re.I)
REGARDS = re.compile(
    r"(?:(?:kind|best|warm|kindest|warmest|many)(?: regards)?|regards|yours (?:sincerely|"
    r"faithfully|truly)|sincerely(?: yours)?|mit freundlichen grüßen|cordialement)[,.]?",
    re.I,
)
# Lines of a signature after the regards: name, job, company, address, telephone …
SIGNED = 8
NOTICE = re.compile(
    r"this (?:e-?mail|message|communication)\b.{0,200}\b(?:confidential|privileged|intended)"
    r"|confidentiality notice\b|(?:legal )?disclaimer:|please consider the environment\b",
    re.I | re.S,
)


@remembered
def own_words(text: str) -> str:
    """Return the writer's own words; the whole text if there are no others."""
    plain = without_markup(text[:LONGEST])
    if "\n" not in plain:
        return plain
    lines = unsigned([*unquoted([line.strip() for line in plain.split("\n")])])
    paragraphs = "\n".join(lines).split("\n\n")
    kept = "\n\n".join(part for part in paragraphs if not NOTICE.match(part)).strip()
    return kept or plain


def unquoted(lines: list[str]) -> Iterator[str]:
    """Yield the lines that belong to no earlier message."""
    at = 0
    while at < len(lines):
        long = introduces(lines, at)
        if long and not QUOTED.match(next_written(lines, at + long)):
            return
        if not long and not QUOTED.match(lines[at]):
            yield lines[at]
        at += long or 1


def introduces(lines: list[str], at: int) -> int:
    """Return how many lines from here introduce a quoted message; 0 if none do."""
    line = lines[at]
    if DIVIDER.match(line) or WROTE.fullmatch(line):
        return 1
    if FROM.match(line) and any(map(SUBJECT.match, lines[at : at + HEADERS])):
        return 1
    # Mail programs break a long "On … wrote:" in two.
    broken = STARTS.match(line) and WROTE.fullmatch(" ".join(lines[at : at + 2]))
    return 2 if broken else 0


def next_written(lines: list[str], at: int) -> str:
    return next((lines[place] for place in range(at, len(lines)) if lines[place]), "")


def unsigned(lines: list[str]) -> list[str]:
    """Remove the signature at the end, and the advertisement of the writer's device."""
    end = next((at for at, line in enumerate(lines) if at and line == "--"), len(lines))
    written = [line for line in lines[:end] if not DEVICE.fullmatch(line)]
    for at in range(max(1, len(written) - SIGNED), len(written)):
        if REGARDS.fullmatch(written[at]):
            return written[:at]
    return written
