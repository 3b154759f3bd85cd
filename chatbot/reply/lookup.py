"""Answers questions about the customer's own records by looking them up, without a language model.

"How many lessons", "what did I pay in all", "when is my next appointment", "where is my last
order": the reader's heads say what is asked; the rest is a query over this customer's records, and
code that counts, adds and picks. `lookup_text.py` writes what was found.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice

import numpy as np

from chatbot.engines import kinds
from chatbot.engines.reader import heads, line_reader
from chatbot.reply import customer_records
from chatbot.reply.customer_records import OwnRecord, own_records
from chatbot.reply.found import Line, Told
from chatbot.reply.lookup_text import LISTED, TELL, TOLD, LookedUp, Picked, status, told
from chatbot.reply.questions import may_ask
from chatbot.reply.turn import Turn
from crm.knowledge import newest, record_text, search
from inference.grounding import stems
from inference.grounding.words import WORD

# What is looked up, and for which ways of picking a record out. Everything else is read: the reader
# finds "when do my points expire" among the fields better than a role does.
LOOKED_UP_PICKS = {
    "list": {"all", "any", "open"},
    "count": {"all", "any", "open"},
    "sum": {"all", "any", "open"},
    "status": {"any", "last", "open", "next", "thing"},
    "when": {"next"},
}
# The least probability of what is asked. Of 1,440 questions of 24 trades, a sixth of the trades
# left out in turn, 84 % reach 0.7 and 96.9 % of these are understood (2026-11-29). A date, or the
# status of a record that nothing picks out, is looked up only in clear cases: it is also read.
SURE, CLEAR_CASE = 0.7, 0.9
# "What orders do I have" means all of them, although most people mean the open ones.
SURELY_OPEN = 0.8
# Words of a message such as "my last order", which asks how it is.
FRAGMENT = 4
# Words of a message that only describes one of several records: "the one from the garden centre".
DESCRIBES = 8
DESCRIBING = re.compile(r"\b(?:i mean|meant|the one|that one|ones?|from|please)\b", re.IGNORECASE)
DENIES = re.compile(r"\b(?:not|never|nothing|none|neither)\b|n['’]t\b", re.IGNORECASE)
# A sum over what was just counted is not over these: "what did I spend in October", "on repairs".
NARROWED = re.compile(
    r"\b(?:on|for|in|since|from|until|before|after)\b(?! (?:all|total|them|these|those|it)\b)",
    re.IGNORECASE,
)
# For these, all the records that are meant are told, not only the best one.
COUNTED = {"list", "count", "sum"}
# Records that are offered beside the one that was told.
OTHERS = 3
# If a question names two kinds: how much nearer to it the first must be than the second, as a
# cosine.
CLEARLY = 0.05
# "My next tuning", "the last piano lesson": the words that say which record is picked out.
PICKED_WORDS = re.compile(
    r"\b(?:next|last|latest|upcoming|previous)((?: [^\W\d_]{3,30}){1,2})", re.IGNORECASE
)


@dataclass(frozen=True)
class Asked:
    """What a question asks, with its probability, and how it picks a record out."""

    ask: str
    likely: float
    picks: str

    @property
    def is_looked_up(self) -> bool:
        is_read_too = self.ask == "when" or self.picks == "thing" or self.picks == "any"
        needed = CLEAR_CASE if is_read_too else SURE
        return self.picks in LOOKED_UP_PICKS.get(self.ask, ()) and self.likely >= needed


def asked(text: str) -> Asked:
    vector = line_reader().vector(text)[None]
    [(ask, likely)], [(picks, sure)] = heads()["asks"].best(vector), heads()["picks"].best(vector)
    if picks == "open" and sure < SURELY_OPEN:
        picks = "all"
    if likely < SURE <= sure and picks in {"last", "next"} and len(text.split()) <= FRAGMENT:
        return Asked("status", sure, picks)
    return Asked(ask, likely, picks)


def look_up(turn: Turn) -> LookedUp | None:
    """Answer the turn from the customer's own records; None if it asks for something else."""
    if not turn.customer:
        return None
    if chosen := choice(turn):
        return chosen
    question = asked(turn.text)
    picked: Picked | None
    if counted := just_counted(turn, question):
        question, picked = Asked("sum", question.likely, "all"), Picked(counted, turn.day)
    elif question.is_looked_up and not names_a_record(turn):
        picked = pick(question, candidates(turn, question), turn.day)
    else:
        return None
    sentences = list(filter(None, TELL[question.ask](picked))) if picked and picked.records else []
    if picked and sentences:
        return looked_up(question, picked, sentences)
    refusal = unclear(turn) if question.ask == "sum" else ""
    return LookedUp(refusal=refusal) if refusal else None


def looked_up(question: Asked, picked: Picked, sentences: list[str]) -> LookedUp:
    trace = {"asks": question.ask, "likely": round(question.likely, 3), "picks": question.picks}
    quotes = [(one.record, one.quoted(picked.today)) for one in picked.records[:LISTED]]
    is_count = question.ask in {"list", "count"} and not picked.only
    counted = tuple(one.record.id for one in picked.records) if is_count else ()
    return LookedUp(sentences, quotes, trace, counted=counted)


def choice(turn: Turn) -> LookedUp | None:
    """Answer the question before for the record that the customer has chosen, by a click or in
    words that describe it: "the one from Thistle and Loom"."""
    before = [text for author, text in turn.history if author == "customer"][-1:]
    clicks = turn.text in turn.choices
    if not before or not (clicks or describes(turn)):
        return None
    question = asked(before[0])
    if question.ask not in {"status", "when"} or not (clicks or question.likely >= SURE):
        return None
    if not (chosen := clicked(turn) if clicks else chosen_in_words(turn)):
        return None
    picked = Picked([chosen], turn.day)
    sentences = list(filter(None, status(picked)))
    return looked_up(question, picked, sentences) if sentences else None


def clicked(turn: Turn) -> OwnRecord | None:
    """Return the record that stood on the button that the customer has clicked."""
    named = [one for one in customer_records.these(turn, turn.names.named) if one.name == turn.text]
    return named[0] if len(named) == 1 else None


def describes(turn: Turn) -> bool:
    """Tell whether a message may only describe a record: few words, no question, nothing denied."""
    is_short = len(turn.text.split()) <= DESCRIBES
    denies = DENIES.search(turn.text)
    return is_short and not denies and not may_ask(turn.text) and not names_a_record(turn)


def chosen_in_words(turn: Turn) -> OwnRecord | None:
    """Return the record that a message describes, of the kind that the last answer was about; None
    if the message says anything besides."""
    answered = {one.record.kind for one in cited(turn)}
    if len(answered) != 1:
        return None
    compared = customer_records.newest_of(turn, [*answered])
    meant = told_apart(turn.text, {one.record.id: one.description for one in compared})
    if len(meant) != 1:
        return None
    [one] = (one for one in compared if one.record.id in meant)
    said = stems(DESCRIBING.sub(" ", turn.text))
    return one if said <= stems(f"{one.record.kind} {one.description}") else None


def just_counted(turn: Turn, question: Asked) -> list[OwnRecord]:
    """Return the records that the question before, of the same message, was answered with, if this
    question asks for their sum: "how many orders do I have, and what did I spend"."""
    asks_sum = question.ask == "sum" and question.likely >= SURE and question.picks == "all"
    if not (turn.counted and asks_sum) or NARROWED.search(turn.text) or names_a_record(turn):
        return []
    counted = customer_records.these(turn, turn.counted)
    named = kind_named(turn.text, kinds_of(turn))
    if named and any(one.record.kind != named for one in counted):
        return []
    return sorted(counted, key=customer_records.own_day, reverse=True)


def unclear(turn: Turn) -> str:
    """Return the refusal of a sum over records that the question does not name; "" if it names some
    or there is one kind with amounts. The amount of one of them would be a wrong answer."""
    names = kinds_of(turn)
    summed = with_totals(names)
    if len(summed) < 2 or kind_named(turn.text, names):
        return ""
    spoken = [record_text.plural(record_text.singular(record_text.words_of(one))) for one in summed]
    return turn.words.cannot_add.format(f"{', '.join(spoken[:-1])} or {spoken[-1]}")


def kinds_of(turn: Turn) -> list[str]:
    return newest.kinds_of(turn.customer) if turn.customer else []


def with_totals(names: Sequence[str]) -> list[str]:
    return [name for name in names if kinds.kind_of(name).total]


def state_beside(turn: Turn) -> LookedUp | None:
    """Return the state of the record that the customer wants to do something with, to be told
    beside the rule: "You can cancel until it ships. Order 10482 – Status: in transit."
    """
    question = asked(turn.text) if turn.customer else None
    if not question or question.ask != "may" or question.likely < SURE or names_a_record(turn):
        return None
    if question.picks not in LOOKED_UP_PICKS["status"]:
        return None
    about = Asked("status", 1.0, question.picks)
    picked = pick(about, candidates(turn, about) or cited(turn), turn.day)
    if not picked or len(picked.records) != 1:
        return None
    [one] = picked.records
    line = told(one, one.line("status"))
    return looked_up(about, picked, [line]) if line else None


def day_beside(turn: Turn, shown: Sequence[Line], told_before: Set[Told]) -> LookedUp | None:
    """Return the day beside the status of one of the customer's records, if it was not told: the
    day that they wait for, or the day on which the record reached its state: "Repair 7 – Status: on
    the bench. Repair 7 – Promised for: 3 December"."""
    records = {line.hit.record for line in shown}
    if len(records) != 1 or shown[0].hit.shared or not tells_status(shown[0]):
        return None
    known = told_before | {line.source for line in shown}
    for one in customer_records.these(turn, [shown[0].hit.record]):
        day = one.day_beside_status(turn.day)
        if day and (one.record.id, day) not in known:
            return LookedUp([told(one, day)], [(one.record, day)])
    return None


def tells_status(line: Line) -> bool:
    name = kinds.kind_of(line.hit.kind).status
    return bool(name) and record_text.is_field(line.text, name)


def cited(turn: Turn) -> list[OwnRecord]:
    """Return the customer's own records that the last answer rests on."""
    ids = turn.cited[0] if turn.cited else ()
    return customer_records.these(turn, ids)


def others(turn: Turn, told: Sequence[str]) -> list[str]:
    """Return names of the customer's newest other records of the kind that was told, if the
    question names none and could mean one of them."""
    answered = list(own_records(turn).filter(id__in=told).values_list("kind", flat=True))
    if not turn.customer or len(answered) != 1 or turn.names.named:
        return []
    rest = own_records(turn).filter(kind=answered[0]).exclude(id__in=told).order_by("-latest", "id")
    # Two queries, since databases differ in where they sort rows without a date.
    dated = chain(rest.exclude(latest=None)[:OTHERS], rest.filter(latest=None)[:OTHERS])
    names = [record_text.name_of(one.kind, one.id, one.title) for one in islice(dated, OTHERS)]
    # Where titles have no numbers, a name says nothing.
    return names if all(map(search.has_digit, names)) and len({*names}) == len(names) else []


def names_a_record(turn: Turn) -> bool:
    """Tell whether the question has a number, of a record or of none: it is then not looked up."""
    return any(map(search.has_digit, turn.names.named.values())) or bool(turn.names.unknown)


def candidates(turn: Turn, question: Asked) -> list[OwnRecord]:
    """Return the customer's records of the kind that the question names, the newest first; none if
    it names no kind, or there are too many. If a sum names no kind, the only kind that has amounts
    is taken."""
    names = kinds_of(turn)
    name = kind_named(turn.text, names)
    if name is None and question.ask == "sum":
        summed = with_totals(names)
        name = summed[0] if len(summed) == 1 else None
    if name is None and question.picks in {"next", "last"}:
        return described(turn)
    if name is None and (question.ask, question.picks) == ("status", "any"):
        return meant_things(turn)
    if question.picks == "thing":
        return meant_things(turn, name)
    if name is None:
        return []
    return customer_records.among(turn, name, question.ask in COUNTED, question.picks)


def described(turn: Turn) -> list[OwnRecord]:
    """Return the customer's newest records that have a word of the picked thing in a field or the
    title ("my next tuning"), if all of them are of one kind."""
    found = PICKED_WORDS.search(turn.text)
    wanted = set(stems(found[1])) if found else set()
    having = [
        one for one in customer_records.newest_of(turn, kinds_of(turn)) if wanted & stems(one.words)
    ]
    if len({one.record.kind for one in having}) != 1:
        return []
    return sorted(having, key=customer_records.own_day, reverse=True)


def meant_things(turn: Turn, kind: str | None = None) -> list[OwnRecord]:
    """Return the records that the words of the question tell apart from the customer's other newest
    ones: "my Stevens" if one of three bikes is a Stevens."""
    compared = customer_records.newest_of(turn, [kind] if kind else kinds_of(turn))
    texts = {one.record.id: one.words for one in compared}
    if not told_apart(turn.text, texts):
        return []
    shared = " ".join(hit.text for hit in search.search(turn.text, None))
    meant = told_apart(turn.text, texts, shared)
    return [one for one in compared if one.record.id in meant] if len(meant) <= TOLD else []


def told_apart(question: str, texts: Mapping[str, str], shared: str = "") -> set[str]:
    """Return the ids of the records that have most of those words of the question which only some
    of them have; none if no word tells any of them apart.

    shared: what the company says to everybody about the question. Its words are those of the trade
    and name no single thing: "bike" where bikes are sold.
    """
    words = {id: stems(text) for id, text in texts.items()}
    asked = stems(question) - stems(shared)
    uses = Counter(word for known in words.values() for word in known & asked)
    telling = {word for word, count in uses.items() if count <= len(texts) / 2}
    having = {id: len(known & telling) for id, known in words.items()}
    most = max(having.values(), default=0)
    return {id for id, count in having.items() if count == most} if most else set()


def kind_named(text: str, names: Sequence[str]) -> str | None:
    """Return the kind of record that the text names; None if it names none, or several alike."""
    words = {record_text.singular(word) for word in WORD.findall(text.casefold())}
    said = [name for name in names if record_text.singular(noun_of(name)) in words]
    if len(said) < 2:
        return said[0] if said else None
    question = line_reader().vector(text)
    near = [float(line_reader().vector(record_text.words_of(name)) @ question) for name in said]
    best, second = np.argsort(near)[::-1][:2]
    return said[best] if near[best] - near[second] >= CLEARLY else None


def noun_of(kind: str) -> str:
    """Return the last word of a kind's name: "booking" of `hotel_booking`."""
    return (record_text.words_of(kind).casefold().split() or [""])[-1]


def pick(question: Asked, records: list[OwnRecord], today: date) -> Picked | None:
    """Choose among the records; None if it is not sure which ones are meant."""
    if question.picks == "thing":
        return Picked(records, today)
    if question.picks == "next" and records and not records[0].kind.status:
        return Picked(coming(records, today)[:1], today)
    if question.picks == "last":
        past = [one for one in records if (one.day("own_date") or today) <= today]
        return Picked(past[:1], today)
    states = [one.is_open for one in records]
    if question.ask in COUNTED and question.picks != "open":
        return Picked(records, today)
    if None in states:
        return None
    unfinished = [one for one, is_open in zip(records, states, strict=True) if is_open]
    if question.picks == "next":
        return Picked(coming(unfinished, today)[:1], today)
    if unfinished or question.picks == "open":
        return Picked(unfinished, today, "open")
    return Picked(records[:1], today)


def coming(records: Sequence[OwnRecord], today: date) -> list[OwnRecord]:
    """Return those that are still to come, the nearest first."""
    due = [one for one in records if one.coming and one.coming >= today]
    return sorted(due, key=lambda one: one.coming or today)
