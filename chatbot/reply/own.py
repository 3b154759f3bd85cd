"""Answers questions about the customer's own records by looking them up, without a language model.

"Where is my order", "when is my next appointment", "how many lessons", "what did I pay in all": the
reader's heads say what is asked; the rest is a query over this customer's records, and code that
counts and adds. What is told stands in the records, or is computed from the records that it names.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django.utils import timezone

from chatbot.engines import kinds
from chatbot.engines.reader import line_reader
from chatbot.reply.turn import Turn
from crm.knowledge import moments, search, wording
from crm.models import Record, RecordKind
from inference.grounding.injection import left_out

# What is looked up, and for which ways of picking a record out. Everything else is read: the reader
# finds "when do my points expire" among the fields better than a role does.
LOOKED_UP = {
    "list": {"all", "any", "open"},
    "count": {"all", "any", "open"},
    "sum": {"all", "any", "open"},
    "status": {"any", "last", "open", "next"},
    "when": {"next"},
}
# The least probability of what is asked. Of 1,440 questions of 24 trades, a sixth of the trades
# left out in turn, 84 % reach 0.7 and 96.9 % of these are understood (2026-11-29). A date, or the
# status of a record that nothing picks out, is looked up only in clear cases: it is also read.
SURE, CLEAR_CASE = 0.7, 0.9
# "What orders do I have" means all of them, although most people mean the open ones.
SURELY_OPEN = 0.8
# Records of a customer that are looked through, newest first; records that are told one by one.
MOST, TOLD, LISTED = 1_000, 3, 10
# How much nearer a kind's name must be to the question than the other kinds' names, as a cosine.
CLEARLY = 0.05
# Letters of a word that may be a noun.
NOUN = 4
NUMBER = re.compile(r"-?\d[\d,. ]*\d|\d")
CODE = re.compile(r"[A-Z]{3}|[€$£¥₹]|\bR(?=\s?\d)")


@dataclass(frozen=True)
class Own:
    """One of the customer's records, and what its fields mean."""

    record: Record
    kind: RecordKind

    def value(self, role: str) -> Any:
        name = getattr(self.kind, role)
        value = self.record.fields.get(name) if name else None
        return None if value in (None, "", []) else value

    def day(self, role: str) -> date | None:
        try:
            return date.fromisoformat(str(self.value(role))[:10])
        except ValueError:
            return None

    @property
    def placed(self) -> date:
        """Return the day by which the customer's records are ordered."""
        return self.day("own_date") or self.record.latest or self.record.updated_at.date()

    @property
    def coming(self) -> date | None:
        return self.day("expected_date") or self.day("own_date")

    @property
    def is_open(self) -> bool:
        status = self.value("status")
        return status is not None and not kinds.is_final(self.kind, status)

    @property
    def name(self) -> str:
        """Return a short name: "Order 50001". A title may be the subject of somebody's mail."""
        number = re.split("[:/]", self.record.id)[-1]
        kind = wording.words_of(self.record.kind)
        known = number and number.casefold() in self.record.title.casefold()
        return wording.heading(f"{kind} {number}" if known else kind)

    def line(self, role: str) -> str:
        """Return the field of this role as customers read it: "Status: in transit"; "" without."""
        if (value := self.value(role)) is None:
            return ""
        text = "; ".join(wording.lines({getattr(self.kind, role): value}))
        return "" if left_out(text, False) else text

    def worded(self, role: str) -> str:
        return self.line(role).partition(": ")[2]


@dataclass
class LookedUp:
    """The sentences to show, the records that they rest on, and how they were found."""

    sentences: list[str]
    records: list[Record]
    trace: dict[str, Any] = field(default_factory=dict)


def look_up(turn: Turn) -> LookedUp | None:
    """Answer the turn from the customer's own records; None if it asks for something else."""
    if not turn.customer or search.unknown_references(turn.text, turn.customer):
        return None
    asked = kinds.asked(turn.text)
    if asked.picks == "open" and asked.picks_likely < SURELY_OPEN:
        asked = replace(asked, picks="all")
    if asked.picks not in LOOKED_UP.get(asked.ask, ()) or asked.likely < needed(asked):
        return None
    today = turn.today or timezone.localdate()
    owned = candidates(turn)
    chosen = picked(turn, asked, owned, today)
    sentences = TELL[asked.ask](chosen, asked, today) if chosen else []
    if not sentences:
        return None
    trace = {"asks": asked.ask, "likely": round(asked.likely, 3), "picks": asked.picks}
    return LookedUp(sentences, [one.record for one in chosen], trace)


def needed(asked: kinds.Asked) -> float:
    is_read_too = asked.ask == "when" or (asked.ask, asked.picks) == ("status", "any")
    return CLEAR_CASE if is_read_too else SURE


def candidates(turn: Turn) -> list[Own]:
    """Return the customer's records that the question names, else those of the kind it names."""
    rows = Record.objects.filter(customer=turn.customer, deleted=False).order_by("-updated_at")
    records = list(rows[:MOST])
    named = search.exact(turn.text, turn.customer)
    if numbered := [one for one in records if search.has_digit(named.get(one.id, ""))]:
        return [Own(one, kinds.kind_of(one.kind)) for one in numbered]
    kind = kind_named(turn.text, sorted({one.kind for one in records}))
    return [Own(one, kinds.kind_of(kind)) for one in records if one.kind == kind]


def kind_named(text: str, names: Sequence[str]) -> str | None:
    """Return the kind of record that the text names; None if it names none, or several alike."""
    words = {*re.findall(r"[a-z]+", text.casefold())}
    said = [name for name in names if {*forms(name)} & words]
    if len(said) < 2:
        return said[0] if said else None
    model, asked = line_reader(), line_reader().vector(text)
    near = [float(model.vector(wording.words_of(name)) @ asked) for name in said]
    best, second = np.argsort(near)[::-1][:2]
    return said[best] if near[best] - near[second] >= CLEARLY else None


def forms(kind: str) -> list[str]:
    """Return the words of a kind's name, as one and as several: "order", "orders"."""
    words = [word for word in wording.words_of(kind).casefold().split() if len(word) >= NOUN]
    return [*words, *map(plural, words)]


def plural(word: str) -> str:
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(?:s|x|z|ch|sh)$", word) else f"{word}s"


def picked(turn: Turn, asked: kinds.Asked, owned: list[Own], today: date) -> list[Own]:
    """Choose among the records: the last, the next, the open ones, or one by what it is about."""
    newest = sorted(owned, key=lambda one: one.placed, reverse=True)
    if len(owned) < 2 or asked.picks in {"all", "number"}:
        return newest
    if asked.picks == "last":
        begun = [one for one in newest if one.placed <= today]
        return (begun or newest)[:1]
    if asked.picks == "next":
        coming = [one for one in newest if one.coming and one.coming >= today]
        return sorted(coming, key=lambda one: one.coming or today)[:1]
    unfinished = [one for one in newest if one.is_open]
    if asked.picks == "open":
        return unfinished
    return newest if asked.ask in {"list", "count", "sum"} else unfinished or newest[:1]


# --- telling


def status(chosen: list[Own], asked: kinds.Asked, today: date) -> list[str]:
    if len(chosen) > TOLD:
        return listed(chosen, asked, today)
    return [told(one, "status", *dates(one)) for one in chosen if one.value("status")]


def dates(one: Own) -> tuple[str, ...]:
    """Return the date that belongs to the status: the expected one, or when it was done."""
    return ("expected_date",) if one.is_open else ("done_date",)


def when(chosen: list[Own], asked: kinds.Asked, today: date) -> list[str]:
    """Tell the date of the next one."""
    [one] = chosen
    return [told(one, "expected_date" if one.day("expected_date") else "own_date", "status")]


def told(one: Own, *roles: str) -> str:
    lines = list(dict.fromkeys(line for role in roles if role and (line := one.line(role))))
    return f"{one.name} – {'; '.join(lines)}." if lines else ""


def listed(chosen: list[Own], asked: kinds.Asked, today: date) -> list[str]:
    shown = "; ".join(map(in_brief, chosen[:LISTED]))
    rest = f"; and {len(chosen) - LISTED} more" if len(chosen) > LISTED else ""
    return [f"{counted(chosen, asked)}: {shown}{rest}."]


def count(chosen: list[Own], asked: kinds.Asked, today: date) -> list[str]:
    return listed(chosen, asked, today)


def counted(chosen: list[Own], asked: kinds.Asked) -> str:
    """Say how many there are: "You have 3 open orders"."""
    kind = wording.words_of(chosen[0].record.kind)
    first, _, last = kind.rpartition(" ")
    several = f"{first} {plural(last)}".strip()
    unfinished = "open " if asked.picks == "open" else ""
    return f"You have {len(chosen)} {unfinished}{kind if len(chosen) == 1 else several}"


def in_brief(one: Own) -> str:
    about = [one.worded("subject"), one.worded("status"), moments.day(one.placed)]
    return f"{one.name} ({', '.join(filter(None, about))})"


def total(chosen: list[Own], asked: kinds.Asked, today: date) -> list[str]:
    """Add the amounts up, if each record has one and all are in the same currency."""
    worded = [one.worded("total") for one in chosen]
    values, codes = [number_in(text) for text in worded], {code_in(text) for text in worded}
    if None in values or len(codes) != 1:
        return []
    whole = sum((value for value in values if value is not None), Decimal())
    terms = "; ".join(f"{one.name} {text}" for one, text in zip(chosen, worded, strict=True))
    return [f"Together that is {whole:,.2f} {codes.pop()}".strip() + f": {terms}."]


def number_in(text: str) -> Decimal | None:
    """Return the one amount of the text; None if it has none or several."""
    found = NUMBER.findall(text)
    plain = found[0].replace(",", "").replace(" ", "") if len(found) == 1 else ""
    return Decimal(plain) if re.fullmatch(r"-?\d+(?:\.\d{1,2})?", plain) else None


def code_in(text: str) -> str:
    code = CODE.search(text)
    return code[0] if code else ""


TELL = {
    "status": status,
    "when": when,
    "list": listed,
    "count": count,
    "sum": total,
}
