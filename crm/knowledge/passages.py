"""Cuts a record into passages, which search finds and the reader reads."""

import logging
from collections.abc import Iterator

from crm.knowledge import prose, record_text
from crm.models import Record
from inference.length import words

PASSAGE_WORDS = 110
# Passages of one record: more than the longest prose makes in any script (some 2,200 if Chinese
# sentences fill half a passage each). Endless lists and fields may make more.
MOST_PASSAGES = 3_000
PARTLY = f"it is too long to be searched whole; only its first {MOST_PASSAGES:,} passages are"
logger = logging.getLogger("attune.records")


def passages(record: Record) -> list[str]:
    """Cut a record into texts of about a hundred words, each beginning with its title."""
    texts: list[list[str]] = [[]]
    room = PASSAGE_WORDS
    for fact in facts_of(record):
        if texts[-1] and words(fact) > room:
            texts.append([])
            room = PASSAGE_WORDS
        texts[-1].append(fact)
        room -= words(fact)
        if len(texts) > MOST_PASSAGES:
            logger.warning("record %s: %s", record.id, PARTLY)
            record.notes += (PARTLY,)
            break
    return ["\n".join([record.title, *lines]) for lines in texts[:MOST_PASSAGES]]


def facts_of(record: Record) -> Iterator[str]:
    yield from prose.paragraphs(record.text, PASSAGE_WORDS, record.title)
    for line in record_text.lines(record.fields):
        yield from prose.fitting_line(line, PASSAGE_WORDS)
