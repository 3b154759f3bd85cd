"""Finds the passages that may answer a turn, or the reason why none can."""

import logging
import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from chatbot.reply import prompt, wording
from chatbot.reply.found import Found
from chatbot.reply.turn import Turn
from crm.knowledge import search
from crm.knowledge.keys import references
from crm.knowledge.search import Hit
from crm.models import Record
from inference import sentences
from inference.grounding import overlap, vocabulary
from inference.grounding.injection import instructs, left_out, order_in
from inference.grounding.statements import FIELD

logger = logging.getLogger("attune.reply")

CANDIDATES = 14
WORDS_WEIGH = 0.5
# How relevant a passage must be, by meaning and words, to be worth the model's time; and how
# relevant to stand beside a record that the question names.
FLOOR = 0.30
BESIDE_NAMED_FLOOR = 0.70
RECORDS = 3
# Paragraphs compared sentence by sentence: each new sentence costs a millisecond, once.
PARAGRAPHS = 3
# "Where is my order?" asks for one of the customer's own records, and for the newest.
FIRST_PERSON = re.compile(r"\b(?:i|my|mine|me|we|our|ours|us)\b", re.IGNORECASE)
# "And when does it arrive?" is about the record before it; so is a question of few words.
REFERS = re.compile(
    r"^\W*and\b|\b(?:it|its|that|this|they|them|their|those|these)\b", re.IGNORECASE
)
SHORT_WORDS = 4
# "Your phone number" means the company's, and "what does it cost" asks for today's price: without
# an "I" or "my", the customer's own records do not answer.
YOURS = re.compile(r"\byours?\b", re.IGNORECASE)
OWN_FIRST = 0.15
NEWEST_FIRST = 0.15
EARLIER_MESSAGES = 3
SUGGESTED = 3
PLAIN_DIGITS = 5
# Characters of an unknown number that the refusal repeats.
SPOKEN_DIGITS = 40


def retrieve(turn: Turn) -> Found:
    if unknown := search.unknown_references(turn.text, turn.customer):
        return not_theirs(turn, unknown)
    asked = query(turn)
    found = search.search(asked, turn.customer, limit=CANDIDATES)
    read = [as_data(hit) for hit in found]
    hits = choose(turn.text, read)
    if not hits:
        missed = [hit for hit in read if hit.left_out]
        return Found(reason="No record is near the question.", missed=missed)
    lines = titled(hits)
    alone, in_context = relevance(turn.text, lines)
    return Found(
        hits,
        prompt.trim(hits, in_context),
        list(turn.history),
        {(hit.record, line): near for (hit, line), near in zip(lines, alone, strict=True)},
        nearest_sentence(turn.text, best_first(lines, in_context)),
        refers=asked != turn.text,
        asked=vocabulary(turn.text),
        reason="The records do not hold the answer.",
    )


def as_data(hit: Hit) -> Hit:
    """Leave out lines that give the model instructions: they answer nothing."""
    title, *lines = hit.text.split("\n")
    reasons = {title: order_in(title), **{line: left_out(line, hit.shared) for line in lines}}
    dropped = tuple((line, why) for line, why in reasons.items() if why)
    for _, why in dropped:
        logger.warning("record %s: a line is left out of answers because %s", hit.record, why)
    title = hit.kind if reasons[title] else title
    kept = [line for line in lines if not reasons[line]]
    return replace(hit, title=title, text="\n".join([title, *kept]), left_out=dropped)


def titled(hits: list[Hit]) -> list[tuple[Hit, str]]:
    return [(hit, line) for hit in hits for _, line in prompt.lines_of([hit])]


def relevance(question: str, lines: list[tuple[Hit, str]]) -> tuple[list[float], list[float]]:
    """Score each line against the question by meaning and words: alone, and with its record's
    title, since "30 days" means something only under "Returns"."""
    texts = [line for _, line in lines] + [f"{hit.title}: {line}" for hit, line in lines]
    alone, in_context = np.split(search.nearness(question, texts), 2)
    words = WORDS_WEIGH * np.array([overlap(question, line) for _, line in lines])
    return (alone + words).tolist(), ((alone + in_context) / 2 + words).tolist()


def best_first(lines: list[tuple[Hit, str]], near: list[float]) -> list[tuple[Hit, str]]:
    return [lines[place] for place in np.argsort(near)[::-1]]


def nearest_sentence(question: str, lines: list[tuple[Hit, str]]) -> tuple[float, str, str] | None:
    """Find the best sentence in the first few paragraphs of shared prose among the lines."""
    paragraphs = [(hit, line) for hit, line in lines if hit.shared and not FIELD.match(line)]
    prose = [
        (hit, sentence)
        for hit, line in paragraphs[:PARAGRAPHS]
        for sentence in sentences.split(line)
        if not sentence.endswith(":")
    ]
    _, in_context = relevance(question, prose)
    return max(
        ((near, hit.record, text) for (hit, text), near in zip(prose, in_context, strict=True)),
        default=None,
    )


def not_theirs(turn: Turn, unknown: list[str]) -> Found:
    """Refuse a question about a number that none of the customer's records has."""
    named = ", ".join(reference.upper()[:SPOKEN_DIGITS] for reference in unknown[:SUGGESTED])
    # Do not repeat a word that somebody wants the bot to say, not even as an unknown number.
    plain = all(map(plainly_a_number, unknown)) and not instructs(turn.text)
    refusal = wording.NO_SUCH_NUMBER.format(named) if plain else ""
    if near := search.near_misses(turn.text, turn.customer):
        meant = wording.DID_YOU_MEAN.format(" or ".join(titles(near)[:SUGGESTED]))
        refusal = f"{refusal or wording.REFUSAL} {meant}"
    if turn.customer is None:
        refusal = wording.SIGN_IN
    return Found(refusal=refusal, reason=f"No record of theirs is {named}.")


def plainly_a_number(reference: str) -> bool:
    return sum(character.isdigit() for character in reference) >= PLAIN_DIGITS


def titles(records: Iterable[str]) -> list[str]:
    rows = Record.objects.filter(id__in=list(records), deleted=False).order_by("id")
    return list(rows.values_list("title", flat=True))


def query(turn: Turn) -> str:
    """Return the turn's text; add the last named record if it refers to one."""
    refers = bool(REFERS.search(turn.text)) or len(turn.text.split()) <= SHORT_WORDS
    earlier = [text for author, text in turn.history if author == "customer"][-EARLIER_MESSAGES:]
    if not refers or not earlier or references(turn.text):
        return turn.text
    if search.exact(turn.text, turn.customer):
        return turn.text
    for text in reversed(earlier):
        if named := references(text):
            return f"{turn.text} {' '.join(forms[0] for forms in named)}"
    return turn.text


def choose(question: str, found: list[Hit]) -> list[Hit]:
    """Choose the records that the question names by number, else by name, else the nearest."""
    personal = bool(FIRST_PERSON.search(question))

    def near(hit: Hit) -> float:
        own = OWN_FIRST if personal and not hit.shared else 0.0
        return hit.score + own + (NEWEST_FIRST if own and hit.newest else 0.0)

    numbered = [hit for hit in found if hit.named_by_number]
    named = [hit for hit in found if hit.key]
    others = sorted((hit for hit in found if not hit.key), key=lambda hit: -near(hit))
    if (named or YOURS.search(question)) and not personal:
        others = [hit for hit in others if hit.shared]
    if numbered:
        beside = [hit for hit in others if hit.shared and near(hit) >= BESIDE_NAMED_FLOOR]
        return of_few_records(numbered) + beside[:1]
    if named:
        beside = [hit for hit in others if near(hit) >= BESIDE_NAMED_FLOOR]
        return of_few_records(named) + beside[:1]
    return of_few_records([hit for hit in others if near(hit) >= FLOOR])


def of_few_records(hits: list[Hit]) -> list[Hit]:
    records = list(dict.fromkeys(hit.record for hit in hits))[:RECORDS]
    return [hit for hit in hits if hit.record in records]
