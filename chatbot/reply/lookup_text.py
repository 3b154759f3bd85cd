"""Writes what was looked up in the customer's own records.

Each sentence is true by itself: it stands in a record, or says over which records it was computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chatbot.reply.customer_records import OwnRecord
from crm.knowledge import record_text
from crm.models import Record

# The most records that are told one by one, and the most that are listed.
TOLD, LISTED = 3, 10


@dataclass(frozen=True)
class Picked:
    """The chosen records, the newest first; the day of the question; and which ones they are:
    "open", or all of them."""

    records: list[OwnRecord]
    today: date
    only: str = ""


@dataclass
class LookedUp:
    """The sentences to show, the records that they rest on, each with the lines that were used, and
    how they were found; or the refusal of a question that is unclear."""

    sentences: list[str] = field(default_factory=list)
    records: list[tuple[Record, str]] = field(default_factory=list)
    trace: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""
    # All the records that were counted or listed, if nothing else was told.
    counted: tuple[str, ...] = ()


def status(picked: Picked) -> list[str]:
    if len(picked.records) > TOLD:
        return listed(picked)
    return [
        told(one, state, one.day_beside_status(picked.today))
        for one in picked.records
        if (state := one.line("status"))
    ]


def when(picked: Picked) -> list[str]:
    [one] = picked.records
    day = one.line("expected_date" if one.day("expected_date") else "own_date")
    return [told(one, day, one.line("status"))]


def told(one: OwnRecord, *lines: str) -> str:
    known = [*dict.fromkeys(filter(None, lines))]
    return record_text.told(one.name, known) if known else ""


def listed(picked: Picked) -> list[str]:
    """Say how many there are, and name them: customers see what was counted."""
    return [f"You have {counted(picked)}{'' if picked.only else ' in all'}: {terms(picked)}."]


def total(picked: Picked) -> list[str]:
    """Add the amounts up, if each record has one and all are in the same currency."""
    found = [one.amount for one in picked.records]
    known = [amount for amount in found if amount]
    currencies = {currency for _, currency in known}
    if len(known) < len(found) or len(currencies) != 1:
        return []
    whole = f"{sum(value for value, _ in known):,.2f} {currencies.pop()}".strip()
    verb = "comes" if len(picked.records) == 1 else "come"
    return [
        f"Your {counted(picked)} {verb} to {whole} in total: {terms(picked, 'total', 'status')}."
    ]


def counted(picked: Picked) -> str:
    first, _, noun = record_text.words_of(picked.records[0].record.kind).rpartition(" ")
    count = len(picked.records)
    noun = noun if count == 1 else record_text.plural(record_text.singular(noun))
    return " ".join(filter(None, (str(count), picked.only, first, noun)))


def terms(picked: Picked, *roles: str) -> str:
    """Name the records, each with its status and its own date, or with other fields."""
    briefs = [in_brief(one, roles or ("status", "own_date")) for one in picked.records[:LISTED]]
    rest = len(picked.records) - LISTED
    return "; ".join([*briefs, *([f"and {rest} more"] if rest > 0 else [])])


def in_brief(one: OwnRecord, roles: Sequence[str]) -> str:
    about = ", ".join(filter(None, map(one.worded, roles)))
    return f"{one.name} ({about})" if about else one.name


TELL = {"status": status, "when": when, "list": listed, "count": listed, "sum": total}
