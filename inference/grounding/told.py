"""Finds the record's own words for a paraphrase of an article.

A sentence of the record is true. A paraphrase would have to be proved, and nothing that was tried
does that well enough (docs/architecture.md): of 760 hard unsupported sentences about twelve
companies, 302 pass the rules, and only 62 of them restate fields (28 November 2026). So a
paraphrase is replaced by the article's sentence or cell that it is about. Fields of records say one
thing each, and may be restated freely.
"""

import re
from collections.abc import Iterable, Sequence

from inference import sentences
from inference.grounding.claims import Nearness
from inference.grounding.facts import facts, holds, vocabulary
from inference.grounding.statements import CELL, FIELD
from inference.grounding.words import overlap, squeeze

# A sentence that begins like this is told together with the one before it.
LEANS = re.compile(
    r"^(?:yes|no|it|its|they|them|their|these|those|this|that|he|she|otherwise|however|but|and|or|also"
    r"|then|unless|except|in (?:that|this|these|such) cases?|if (?:so|not)|after that|both|neither"
    r"|either)\b",
    re.I,
)
ENDS = (".", "!", "?", "…", "。", "！", "？")


def in_its_words(sentence: str, passage: str, near: Nearness | None) -> str:
    """Return what the record says where the sentence paraphrases prose; "" if it restates a field
    or stands in the record as it is."""
    lines = [line for line in passage.split("\n")[1:] if line]
    parts = [(line, part) for line in lines for part in parts_of(line)]
    if not parts or squeeze(sentence) in {squeeze(part) for _, part in parts}:
        return ""
    scores = relevance(sentence, [part for _, part in parts], near)
    line, part = parts[scores.index(max(scores))]
    if CELL in line:
        return ended(line.replace(CELL, ", "))
    if is_field(line):
        return ""
    return " ".join(map(ended, with_neighbours(sentences.split(line), part)))


def parts_of(line: str) -> list[str]:
    return [line] if is_field(line) else sentences.split(line)


def is_field(line: str) -> bool:
    return CELL in line or bool(FIELD.match(line))


def relevance(sentence: str, parts: Sequence[str], near: Nearness | None) -> list[float]:
    """Score each part by words, figures and meaning."""
    cosines: Iterable[float] = near(sentence, parts) if near else [0.0] * len(parts)
    told = facts(sentence)
    return [
        overlap(sentence, part)
        + sum(holds(vocabulary(part), fact) for fact in told) / max(1, len(told))
        + float(cosine)
        for part, cosine in zip(parts, cosines, strict=True)
    ]


def with_neighbours(paragraph: list[str], part: str) -> list[str]:
    """Return the sentence, with the one before it if it leans on that one, and the next one if that
    leans on it."""
    at = paragraph.index(part)
    before = paragraph[at - 1 : at] if at and LEANS.match(part) else []
    after = [one for one in paragraph[at + 1 : at + 2] if LEANS.match(one)]
    return [*before, part, *after]


def ended(text: str) -> str:
    return text if text.endswith(ENDS) else f"{text}."
