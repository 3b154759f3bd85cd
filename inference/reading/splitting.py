"""Finds where a message turns from one question to the next: "how much do I owe | and till when".

Rules propose seams between two words, by punctuation and by words that begin a question. A small
classifier judges each of them, on these signs and on the reader's vectors of the words beside the
seam and of the clauses before and after it. `training/heads.py` trains it on `splits/` and on
some of the messages in `conversations`. The rules propose 1,254 of the 1,303 seams there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.reading.heads import Head
from inference.reading.reader import Reader, Scores, unit

# The classes of a seam.
GOES_ON, ASKS_ANEW = "goes on", "asks anew"
# From this probability on, a seam parts two questions; after a question mark a lower one will do,
# since to answer a question twice that is asked twice does little harm. Of 130 messages by a fifth
# writer (`splits/thresholds.jsonl`), 0.84 of those with two questions and 0.92 of
# those with one are divided correctly, as are 0.80 of the 142 messages with one question in
# `messages.jsonl`. With 0.4 instead of 0.5, the shares are 0.84, 0.92 and 0.77; with 0.3, they are
# 0.87, 0.90 and 0.75. With rules alone, it was 0.51 and 0.88 of
# the 130 (2026-11-30).
LIKELY, AFTER_A_QUESTION = 0.5, 0.2

QUESTION_WORD = r"(?:what|when|where|which|who|whose|why|how)(?:['’]?s)?(?!\w)"
VERB = (
    r"(?:is|are|was|were|am|do|does|did|can|could|may|will|would|should|shall|has|have|must|"
    r"(?:is|are|was|were|do|does|did|ca|could|wo|would|should|has|have)n['’]?t)(?!\w)"
)
SUBJECT = (
    r"(?:i|you|u|ye|we|they|he|she|it|there|this|that|these|those|the|a|an|any|anyone|anybody|some|"
    r"someone|somebody|my|our|your|ur|his|her|its|their|one|all|both|mine|yours)(?!\w)"
)
PREPOSITION = r"(?:un)?till?|by|from|since|for|at|to|in|on|with|of|about"
JOINED = r"(?:(?:and|also|plus|oh|btw|or|so|but|then|n|an|&)\W{1,3}+){0,2}"
# The number of a question: "1. what is the fee 2. who pays it".
NUMBER = r"\(?(\d)[).]"
# Characters that end what stands before a seam, by kind.
ENDS = ("?", ".!", ",", ";:", "-–—/", ")")
# How what stands after a seam may begin.
BEGINS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?:and|an|n)\b|&",
        r"(?:also|plus|btw)\b",
        r"or\b",
        r"(?:if|but|so|oh|then)\b",
        JOINED + QUESTION_WORD,
        rf"{JOINED}(?:{PREPOSITION}) {QUESTION_WORD}",
        rf"{JOINED}{VERB} {SUBJECT}",
        rf"{JOINED}{SUBJECT} {QUESTION_WORD}",
        JOINED + r"(?:tell|let|need|please|pls|say|name|send)\b",
        rf"{NUMBER}(?=\s)",
    )
)
COUNT, COUNTED = re.compile(rf"(?:^|\s){NUMBER}$"), re.compile(rf"(?:^|\s){NUMBER}\s")
ASKED = tuple(re.compile(rf"\b{one}", re.I) for one in (QUESTION_WORD, f"{VERB} {SUBJECT}"))
# What stands after a seam is short or long, in words.
SHORT, LONG, VERY_LONG = 3, 12, 20
# Characters after a seam in which a question may begin.
BEGINNING = 40


@dataclass(frozen=True)
class Seam:
    """A place between two words that may part two questions."""

    # The token that follows, and the character where it begins.
    token: int
    begin: int
    signs: tuple[bool, ...]

    @property
    def ends_clause(self) -> bool:
        """Tell whether punctuation or a new line stands before it."""
        return any(self.signs[: len(ENDS) + 1])


def parts(reader: Reader, head: Head, text: str) -> list[str]:
    """Return the questions of a message, each with what is said around it."""
    hidden, found = seams(reader, text)
    if not found:
        return [text]
    anew = head.probabilities(features(hidden, found))[:, head.classes.index(ASKS_ANEW)]
    begins = [
        seam.begin
        for seam, likely in zip(found, anew, strict=True)
        if likely >= (AFTER_A_QUESTION if seam.signs[0] else LIKELY)
    ]
    pieces = [text[begin:end] for begin, end in zip([0, *begins], [*begins, None], strict=True)]
    return [piece.strip() for piece in pieces]


def seams(reader: Reader, text: str) -> tuple[Scores, list[Seam]]:
    """Return the vectors of the tokens, (tokens, width), and the seams that rules propose."""
    hidden, offsets = reader.tokens(text)
    found = []
    # The first and the last token stand for the ends of the text, and a question has at least one
    # word.
    for token in range(2, len(offsets) - 1):
        end, begin = offsets[token - 1][1], offsets[token][0]
        if begin > end and (signs := signs_of(text[:end], text[end:begin], text[begin:])):
            found.append(Seam(token, begin, signs))
    return hidden, found


def signs_of(before: str, between: str, after: str) -> tuple[bool, ...]:
    """Return what a seam looks like; nothing if no sign shows that another question may begin."""
    if counts(before):
        return ()
    shows = [
        *(before[-1] in kind for kind in ENDS),
        "\n" in between,
        *(bool(one.match(after[:BEGINNING])) for one in BEGINS),
    ]
    if not any(shows):
        return ()
    rest = len(after.split())
    around = [
        "?" in before,
        "?" in after,
        *(bool(one.search(before)) for one in ASKED),
        " " not in before,
        rest < SHORT,
        rest > LONG,
        rest > VERY_LONG,
    ]
    return (*shows, *around)


def counts(before: str) -> bool:
    """Tell whether a text ends in the number of a question, which belongs to what follows; but a
    sentence may end in a number, too: "do you open before 9."."""
    if not (found := COUNT.search(before)):
        return False
    said, number = before[: found.start()], int(found[1])
    if number == 1:
        return not said.strip() or said.rstrip()[-1] in ".?!:;"
    return any(int(one[1]) == number - 1 for one in COUNTED.finditer(said))


def features(hidden: Scores, found: Sequence[Seam]) -> Scores:
    """Describe seams, (seams, 5 × width + signs): the tokens beside each, the means of the clauses
    before and after, and the signs."""
    words, last = unit(hidden), len(hidden) - 1
    ends = [1, *(seam.token for seam in found if seam.ends_clause), last]
    rows = []
    for seam in found:
        begin = max(end for end in ends if end < seam.token)
        end = min(end for end in ends if end > seam.token)
        clauses = (hidden[begin : seam.token].mean(0), hidden[seam.token : end].mean(0))
        beside = words[seam.token - 1 : seam.token + 2]
        rows.append([*beside, *map(unit, clauses), np.array(seam.signs, np.float32)])
    return np.stack([np.concatenate(row) for row in rows])
