"""Finds the passages that may answer a turn, or the reason why none can."""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from chatbot.engines import kinds, reader
from chatbot.reply import prompt
from chatbot.reply.found import Found, Line, title_of
from chatbot.reply.lookup import told_apart
from chatbot.reply.turn import Turn
from crm.articles import drafts
from crm.knowledge import search
from crm.knowledge.keys import references
from crm.knowledge.newest import newest
from crm.knowledge.search import Hit
from crm.models import Record
from inference.grounding.injection import instructs, left_out, order_in
from inference.lines import cut

logger = logging.getLogger("attune.reply")

CANDIDATES = 14
# More than search finds beside the newest records of each kind, unless these are long: of each, so
# many passages are read in any case.
MOST, OF_NEWEST = 100, 3
# Passages of the customer's own records that are read in any case, the best ones: many articles
# must not crowd them out.
OWN_READ = 10
# More than the prompt takes.
LINES_KEPT = 20
FIRST_PERSON = re.compile(r"\b(?:i|my|mine|me|we|our|ours|us)\b", re.IGNORECASE)
DAYS = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|week|weekend|month|year|morning|evening"
# "And when does it arrive?" leans on what was said before; so does a question of few words. "This
# Saturday" does not. Of 44 follow-ups in `inference/conversations` whose only such word is "he" or
# "she" in some form, six name the person themselves.
REFERS = re.compile(
    rf"^\W*and\b|\b(?:it|its|they|them|their|he|him|his|she|hers?)\b|"
    rf"\b(?:that|this|those|these)\b(?! (?:coming )?(?:{DAYS})s?\b)",
    re.IGNORECASE,
)
SHORT_WORDS = 4
# Stands for the key of a record that a question describes instead of naming it.
MEANT = "described"
# Words around a record's number in an answer to "which one?".
NAME_WORDS = 2
# In units of the reader's score: how much is added to a line of a record that any answer before
# rests on, and how much more if it was the last answer. Of 1,605 follow-ups of 86 companies, the
# right line comes first for 0.61 with these, for 0.48 without (2026-11-29).
CITED, CITED_LAST = 2.0, 2.0
# "Your phone number" means the company's, and "what does it cost" asks for today's price: without
# an "I" or "my", the customer's own records do not answer.
YOURS = re.compile(r"\byours?\b", re.IGNORECASE)
# In units of the reader's score.
OWN_FIRST = 0.5
# More than quoting.DOUBT, so that no line of another record is told beside.
FIRST = 2.5
EARLIER_MESSAGES = 3
SUGGESTED = 3
PLAIN_DIGITS = 5
# Characters of an unknown number that the refusal repeats.
SPOKEN_DIGITS = 40


def retrieve(turn: Turn, quickly: bool = False) -> Found:
    """Find the records and lines for this turn. quickly: do not ask the large reranker."""
    if turn.names.unknown:
        return not_theirs(turn, turn.names.unknown)
    asked = query(turn)
    read = [as_data(hit) for hit in nearest(asked, turn)]
    hits = choose(turn.text, read)
    missed = [hit for hit in read if hit.left_out]
    if not hits:
        return Found(reason="No record was found.", missed=missed)
    lines = ranked(asked, hits, turn, quickly)
    return Found(
        holding(lines),
        lines,
        prompt.records(lines, turn.ahead),
        list(turn.history),
        answerable=any(map(may_answer, lines)),
        refers=depends(turn),
        reason="The records do not hold the answer.",
        missed=missed,
    )


def read_newest(turn: Turn) -> None:
    """Let the reader read the customer's newest records before they are asked about."""
    if turn.customer:
        hits = nearest("", replace(turn, history=()))
        reader.line_reader().scores("", [as_data(hit).text for hit in hits])


def nearest(question: str, turn: Turn) -> list[Hit]:
    """Find passages, always with some of each of the customer's newest records and of the records
    that earlier answers rest on, however far they are from the question."""
    cited = {record for records in turn.cited for record in records}
    latest = newest(turn.customer, kinds.own_dates(turn.customer) if turn.customer else None)
    before = said_before(turn)[0]
    look = partial(
        search.search,
        customer=turn.customer,
        latest=latest,
        inbox=turn.inbox,
        drafts=drafts.current(f"{before} {question}") if turn.drafts else search.NO_DRAFTS,
    )
    names = turn.names if question == turn.text else None
    found = look(question, limit=MOST, also=cited, names=names)
    sure = CANDIDATES
    if before:
        wider = look(f"{before} {question}", limit=CANDIDATES)
        known = {(hit.record, hit.text) for hit in found[:CANDIDATES]}
        # This question does not name what the one before names.
        new = [replace(hit, key="") for hit in wider if (hit.record, hit.text) not in known]
        known |= {(hit.record, hit.text) for hit in new}
        rest = [hit for hit in found[CANDIDATES:] if (hit.record, hit.text) not in known]
        found = [*found[:CANDIDATES], *new, *rest]
        sure += len(new)
    kept = Counter[str]()
    chosen = found[:sure]
    own = sum(not hit.shared for hit in chosen)
    for hit in found[sure:]:
        kept[hit.record] += 1
        is_wanted = (hit.newest or hit.record in cited) and kept[hit.record] <= OF_NEWEST
        if is_wanted or (not hit.shared and own < OWN_READ):
            own += not hit.shared
            chosen.append(hit)
    return with_meant(question, chosen)


def with_meant(question: str, hits: list[Hit]) -> list[Hit]:
    """Count the customer's records that a word of their question tells apart as named by it: "my
    Stevens" if one of three bikes is a Stevens."""
    if not FIRST_PERSON.search(question):
        return hits
    texts: dict[str, str] = {}
    for hit in hits:
        if not hit.shared:
            told = " ".join(line.partition(": ")[2] or line for line in hit.text.split("\n"))
            texts[hit.record] = f"{texts.get(hit.record, '')} {told}"
    meant = told_apart(question, texts, " ".join(hit.text for hit in hits if hit.shared))
    return [
        replace(hit, key=hit.key or MEANT) if hit.record in meant and not hit.shared else hit
        for hit in hits
    ]


def as_data(hit: Hit) -> Hit:
    """Leave out lines that give the model instructions: they answer nothing."""
    title, *lines = hit.text.split("\n")
    reasons = {title: order_in(title), **{line: left_out(line, hit.shared) for line in lines}}
    dropped = tuple((line, why) for line, why in reasons.items() if why)
    for _, why in dropped:
        logger.warning("record %s: a line is left out of answers because %s", hit.record, why)
    title = title_of(hit.kind, title)
    kept = [line for line in lines if not reasons[line]]
    return replace(hit, title=title, text="\n".join([title, *kept]), left_out=dropped)


def ranked(question: str, hits: list[Hit], turn: Turn, quickly: bool) -> list[Line]:
    """Let the reader rank the lines of the passages found, let the reranker rank the best of them
    again, and keep the best."""
    renewed = {hit.kind for hit in hits if hit.newest}
    leaning, (before, answered) = leanings(turn), said_before(turn)
    places: list[tuple[Hit, int, str]] = []
    first, liked = [], []
    scores = reader.line_reader().scores(question, [hit.text for hit in hits], before)
    for hit, own in zip(hits, scores, strict=True):
        likes = preference(question, hit, older=hit.kind in renewed and not hit.newest)
        likes += leaning.get(hit.record, 0.0)
        for place, text in enumerate(cut(hit.text)[1]):
            places.append((hit, place, text))
            first.append(float(own[place]))
            liked.append(likes)
    found = reader.reranker().rank(
        question,
        [(hit.title, text) for hit, _, text in places],
        np.array(first, np.float32),
        np.array(liked, np.float32),
        context(before, answered),
        quickly,
    )
    lines = [
        Line(hit, place, text, float(found.probabilities[at]), float(found.ranks[at]))
        for at, (hit, place, text) in enumerate(places)
    ]
    return sorted(lines, key=lambda line: -line.rank)[:LINES_KEPT]


def said_before(turn: Turn) -> tuple[str, str]:
    """Return the question before and the answer to it if the turn leans on them."""
    asked = [at for at, (author, _) in enumerate(turn.history) if author == "customer"]
    if not asked or not refers(turn):
        return "", ""
    after = [text for author, text in turn.history[asked[-1] + 1 :] if author != "customer"]
    return turn.history[asked[-1]][1], " ".join(after)


def leanings(turn: Turn) -> dict[str, float]:
    """Return the records that a follow-up is more likely about, each with how much more."""
    return leaning_on(turn.cited) if refers(turn) else {}


def leaning_on(cited: Sequence[Iterable[str]]) -> dict[str, float]:
    """cited: the records of each answer, the last answer first."""
    earlier = dict.fromkeys((record for records in cited for record in records), CITED)
    return {**earlier, **dict.fromkeys(cited[0], CITED + CITED_LAST)} if cited else {}


def context(before: str, answered: str) -> str:
    """Join the question before and its answer, as the reranker reads them."""
    return f"{before} / {answered}" if before else ""


def leans(text: str) -> bool:
    """Tell whether a question of several is only understood with the one before it: "how much is
    it"."""
    return bool(REFERS.search(text)) and not references(text)


def refers(turn: Turn) -> bool:
    """Tell whether the turn is read together with what was said before.

    A further question of a message always is. Of the 98 with an answer in
    `inference/reading/several.jsonl`, the right line comes first for 0.58 if they are read so, and
    for 0.48 if they are read alone; of the 16 that stand by themselves, for 7 and 9 (2026-11-30).
    """
    return turn.is_further or depends(turn)


def depends(turn: Turn) -> bool:
    """Tell whether the turn's own words point to something that was said before."""
    is_short = len(turn.text.split()) <= SHORT_WORDS
    points = "back" in turn.intents or is_short or bool(REFERS.search(turn.text))
    return bool(turn.history) and points


def preference(question: str, hit: Hit, older: bool) -> float:
    """Prefer records that the question names, then the customer's own; but "my order" is the newest
    of its kind."""
    named = FIRST if hit.key else 0.0
    if hit.shared or not FIRST_PERSON.search(question):
        return named
    return OWN_FIRST + (named or (-FIRST if older else 0.0))


def may_answer(line: Line) -> bool:
    """Tell whether a line may answer. A record that the question names is worth the model's time in
    any case."""
    return bool(line.hit.key) or line.answers >= reader.reranker().answering


def holding(lines: list[Line]) -> list[Hit]:
    """Return the passages of the prompt's lines, best first: they may support the answer."""
    return list(dict.fromkeys(line.hit for line in lines[: prompt.LINES]))


def not_theirs(turn: Turn, unknown: list[str]) -> Found:
    """Refuse a question about a number that none of the customer's records has."""
    named = ", ".join(reference.upper()[:SPOKEN_DIGITS] for reference in unknown[:SUGGESTED])
    # Do not repeat a word that somebody wants the bot to say, not even as an unknown number.
    plain = all(map(plainly_a_number, unknown)) and not instructs(turn.text)
    refusal = turn.words.no_such_number.format(named) if plain else ""
    if near := titles(search.near_misses(turn.text, turn.customer), turn.inbox)[:SUGGESTED]:
        meant = turn.words.did_you_mean.format(" or ".join(near))
        refusal = f"{refusal or turn.words.refusal} {meant}"
    if turn.customer is None:
        refusal = turn.words.sign_in
    return Found(refusal=refusal, reason=f"No record of theirs is {named}.")


def plainly_a_number(reference: str) -> bool:
    return sum(character.isdigit() for character in reference) >= PLAIN_DIGITS


def titles(records: Iterable[str], inbox: str) -> list[str]:
    rows = Record.objects.filter(id__in=list(records), deleted=False).order_by("id")
    told = rows.values_list("title", "inboxes")
    return [title for title, inboxes in told if search.meant_for(inbox, inboxes)]


def query(turn: Turn) -> str:
    """Return the turn's text; add the last named record if it refers to one."""
    earlier = [text for author, text in turn.history if author == "customer"][-EARLIER_MESSAGES:]
    if not depends(turn) or not earlier:
        return turn.text
    if named := turn.names.named:
        return f"{earlier[-1]} {turn.text}" if is_name(turn.text, named.values()) else turn.text
    if references(turn.text):
        return turn.text
    for text in reversed(earlier):
        if numbers := references(text):
            return f"{turn.text} {' '.join(forms[0] for forms in numbers)}"
    return turn.text


def is_name(text: str, keys: Iterable[str]) -> bool:
    """Tell whether a text only names a record: "the second one, Order 10436"."""
    words = len(text.split())
    return any(words - len(key.split()) <= NAME_WORDS for key in keys)


def choose(question: str, found: list[Hit]) -> list[Hit]:
    """Choose where to read: in the records that the question names by number, and in what is
    shared; without an "I" or "my", in those that it names by title, and in what is shared; else in
    everything that was found."""
    numbered = {hit.record for hit in found if hit.named_by_number}
    named = numbered or {hit.record for hit in found if hit.key}
    personal = bool(FIRST_PERSON.search(question))
    if numbered or ((named or YOURS.search(question)) and not personal):
        return [hit for hit in found if hit.shared or hit.record in named]
    return found
