"""Reads a customer's own records with what their fields mean, and those among which a question
picks. It reads only a few, however many the customer has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from chatbot.engines import kinds
from chatbot.reply.turn import Turn
from crm.knowledge import amounts, moments, record_text
from crm.models import Record, RecordKind
from inference.grounding.injection import left_out

# The most records of a kind that are looked through: a count of only some would be wrong. How many
# with the latest dates are searched first for the last one. And how many of the newest of a kind
# have their words compared with a question's.
MOST, FEW, COMPARED = 1_000, 20, 50
# A day in the company's time zone may differ from the day that the record gives.
DAY = timedelta(days=1)
# Words that only say that a field holds a day: "Posted on".
NAMING_A_DAY = {"on", "at", "date", "day", "time"}


@dataclass(frozen=True)
class OwnRecord:
    """One of the customer's records, and what its fields mean."""

    record: Record
    kind: RecordKind

    def value(self, role: str) -> Any:
        return self.value_of(getattr(self.kind, role))

    def value_of(self, name: str) -> Any:
        value = self.record.fields.get(name) if name else None
        return None if value in (None, "", []) else value

    def day(self, role: str) -> date | None:
        return moments.day_of(getattr(self.kind, role), self.value(role))

    @property
    def coming(self) -> date | None:
        return self.day("expected_date") or self.day("own_date")

    @property
    def is_open(self) -> bool | None:
        """Tell whether it is unfinished; None if its status does not tell."""
        status = self.value("status")
        final = None if status is None else kinds.is_final(self.kind, status)
        return None if final is None else not final

    @property
    def name(self) -> str:
        return record_text.name_of(self.record.kind, self.record.id, self.record.title)

    @property
    def amount(self) -> tuple[Decimal, str] | None:
        return amounts.parsed(self.value("total"), amounts.currency_of(self.record.fields))

    @property
    def words(self) -> str:
        """Return the title and the texts of the fields."""
        texts = (value for value in self.record.fields.values() if isinstance(value, str))
        return " ".join([self.record.title, *texts])

    @property
    def description(self) -> str:
        """Return its words without its status: "delivered" describes no parcel."""
        return self.words.replace(str(self.value("status") or "\n"), " ")

    def line(self, role: str) -> str:
        """Return the field of this role as customers read it ("Status: in transit"), or ""."""
        return self.line_of(getattr(self.kind, role))

    def awaited(self, today: date) -> str:
        """Return the line with the day that the customer waits for, or "". If the expected day has
        passed or is missing, take another day to come, unless somebody has confirmed what the
        fields mean."""
        expected, day = self.line("expected_date"), self.day("expected_date")
        if self.kind.confirmed or (expected and (day is None or day >= today)):
            return expected
        name = kinds.awaited_field(self.record.kind, self.record.fields, today)
        return self.line_of(name) or expected

    def day_beside_status(self, today: date) -> str:
        """Return the line with the day that the customer waits for, or else the day on which the
        record reached its state; or ""."""
        if self.is_open:
            return self.awaited(today) or self.reached(today)
        done = self.day("done_date") if self.is_open is False else None
        return self.reached(today) or (self.line("done_date") if done and done <= today else "")

    def reached(self, today: date) -> str:
        """Return the line of the field that is named like the state and holds a day up to now
        ("Posted: 24 November 2026" for "posted"), or ""."""
        state = naming(str(self.value("status") or ""))
        for name, value in self.record.fields.items():
            days = moments.days_of(name, value) if state and naming(name) == state else []
            if days and max(days) <= today:
                return self.line_of(name)
        return ""

    def line_of(self, name: str) -> str:
        """Return the field of this name as customers read it, or ""."""
        if (value := self.value_of(name)) is None:
            return ""
        currency = amounts.currency_of(self.record.fields)
        text = "; ".join(record_text.field_lines(name, value, currency))
        return "" if left_out(text, False) else text

    def quoted(self, today: date) -> str:
        lines = [*map(self.line, RecordKind.ROLES), self.awaited(today) if self.is_open else ""]
        return "\n".join(dict.fromkeys(filter(None, lines)))

    def worded(self, role: str) -> str:
        return self.line(role).partition(": ")[2]


def naming(text: str) -> set[str]:
    return set(record_text.words_of(text).casefold().split()) - NAMING_A_DAY


def own_records(turn: Turn) -> QuerySet[Record]:
    return Record.objects.filter(customer=turn.customer, deleted=False)


def own_day(one: OwnRecord) -> date:
    return one.day("own_date") or date.min


def these(turn: Turn, ids: Iterable[str]) -> list[OwnRecord]:
    return known(own_records(turn).filter(id__in=list(ids)))


def known(rows: QuerySet[Record]) -> list[OwnRecord]:
    return [
        OwnRecord(row, kinds.kind_of(row.kind)) for row in rows.defer("text", "states", "inboxes")
    ]


def among(turn: Turn, name: str, counted: bool, picks: str) -> list[OwnRecord]:
    """Return the records of a kind among which a question picks, the newest first; none if there
    are too many to be sure. counted: all the records that are meant are told, not only the best
    one."""
    rows, kind = own_records(turn).filter(kind=name), kinds.kind_of(name)
    if picks == "last" and (last := latest(rows, kind, turn.day)):
        return last
    if picks == "next":
        return every(rows.filter(Q(latest__gte=turn.day - DAY) | Q(latest=None)))
    if picks == "open" or (picks == "any" and not counted):
        if too_many(rows):
            return []
        found = unfinished(rows, kind)
        return found if found or picks == "open" else latest(rows, kind, date.max) or every(rows)
    return every(rows)


def latest(rows: QuerySet[Record], kind: RecordKind, until: date) -> list[OwnRecord]:
    """Return records up to a day, by their own date or, where that is not known, by their latest
    date; none if a few records are not enough to be sure of the last one."""
    few = known(rows.filter(latest__isnull=False).order_by("-latest", "id")[:FEW])
    if not kind.own_date:
        return few
    past = [
        one for one in sorted(few, key=own_day, reverse=True) if date.min < own_day(one) <= until
    ]
    # The own date of a record that was not read is at most the latest of its dates.
    is_sure = past and (len(few) < FEW or own_day(past[0]) > (few[-1].record.latest or date.max))
    return past if is_sure else []


def unfinished(rows: QuerySet[Record], kind: RecordKind) -> list[OwnRecord]:
    """Return the records whose status is not known to be final."""
    if not kind.status:
        return []
    text = Coalesce(KeyTextTransform(kind.status, "fields"), Value(""), output_field=TextField())
    said = rows.order_by().annotate(said=text)
    statuses = said.values_list("said", flat=True).distinct()
    return every(said.exclude(said__in=[one for one in statuses if is_final(kind, one)]))


def is_final(kind: RecordKind, status: str) -> bool:
    """Tell whether the status is known to be final; SQLite writes a JSON null as text."""
    return status not in {"", "null"} and bool(kinds.is_final(kind, status))


def every(rows: QuerySet[Record]) -> list[OwnRecord]:
    if too_many(rows):
        return []
    return sorted(known(rows.order_by("-updated_at", "id")), key=own_day, reverse=True)


def too_many(rows: QuerySet[Record]) -> bool:
    return rows.order_by()[MOST : MOST + 1].exists()


def newest_of(turn: Turn, names: Iterable[str]) -> list[OwnRecord]:
    """Return the customer's records with the latest dates of each of these kinds."""
    rows = own_records(turn).order_by("-latest", "id")
    return [one for name in names for one in known(rows.filter(kind=name)[:COMPARED])]
