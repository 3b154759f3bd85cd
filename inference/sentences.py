"""Splits text into sentences, also while it is still being written."""

import re
from collections.abc import AsyncIterator

# Words after which a full stop does not end the sentence.
ABBREVIATIONS = (
    "mr mrs ms dr prof st str no nr art approx ca inc ltd co corp vs etc e.g i.e incl excl "
    "tel ext dept max min vol pkg pkgs oz lb lbs pcs ref jan feb mar apr jun jul aug sep "
    "sept oct nov dec"
).split()
# Characters before a full stop that are searched for such a word.
LONGEST_WORD = 80
# An end: a mark, closing quotes, then white space before something that starts a sentence.
# The quantifiers are possessive and begin at the first of several marks, so that a long row of
# marks is read once.
END = re.compile(r"(?<![.!?…])([.!?…]++[\"'”’)\]]*+)(\s++)(?=[\"'“‘(\[]?[A-Z0-9À-Þ\-*•])|\n+")


def split(text: str) -> list[str]:
    """Split a finished text."""
    done, rest = take(text)
    return [*done, rest.strip()] if rest.strip() else done


def take(text: str) -> tuple[list[str], str]:
    """Return the finished sentences of a growing text, and the rest of the text."""
    sentences, start = [], 0
    for end in END.finditer(text):
        if end[1] and within_sentence(text[max(start, end.end(1) - LONGEST_WORD) : end.end(1)]):
            continue
        if sentence := text[start : end.end(1) if end[1] else end.start()].strip():
            sentences.append(sentence)
        start = end.end()
    return sentences, text[start:]


def within_sentence(text: str) -> bool:
    """Tell whether a text ends with an abbreviation, an initial ("J.") or a list number ("1.")."""
    if not text.endswith("."):
        return False
    last = text[:-1].split()[-1].lstrip("([\"'“‘") if text[:-1].split() else ""
    return (
        last.lower() in ABBREVIATIONS
        or bool(re.fullmatch(r"[A-Z]", last))
        or (text[:-1].strip() == last and last.isdigit())
    )


async def stream(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield each sentence as soon as it is finished."""
    text = ""
    async for piece in pieces:
        done, text = take(text + piece)
        for sentence in done:
            yield sentence
    for sentence in split(text):
        yield sentence
