"""What the fields of each kind of record mean: guessed by the reader, corrected in the admin.

Nothing of it knows a trade: the guesses come from the names of the fields and from their values.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chatbot.engines.reader import heads, line_reader
from crm.knowledge.wording import words_of
from crm.models import Record, RecordKind
from inference.reading.heads import about_field, about_status

# Records of a kind that a guess looks at, and the least probability of a role.
LOOKED_AT, LEAST = 100, 0.3
# Seconds until a change in the admin takes effect.
KNOWN_FOR = 30.0
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
AMOUNT = re.compile(
    r"(?:(?:[A-Z]{3}|R|[€$£¥₹]) ?)?-?\d[\d,.]{0,20}(?: ?(?:[A-Z]{3}|[€$£¥₹]))?(?:\W.{0,40})?"
)
# Words of a status; a longer text is a note.
STATUS_WORDS = 8
_known: dict[str, tuple[float, RecordKind]] = {}


def kind_of(name: str) -> RecordKind:
    """Return what the fields of this kind mean; a kind that is met first is guessed."""
    until, row = _known.get(name, (0.0, None))
    if row is None or time.monotonic() >= until:
        row = RecordKind.objects.filter(name=name).first() or guessed(name)
        _known[name] = (time.monotonic() + KNOWN_FOR, row)
    return row


def guessed(name: str) -> RecordKind:
    rows = Record.objects.filter(kind=name, deleted=False, customer__isnull=False)
    fields = list(rows.order_by("-updated_at").values_list("fields", flat=True)[:LOOKED_AT])
    row, _ = RecordKind.objects.get_or_create(name=name, defaults=guess(name, fields))
    return row


def guess(kind: str, records: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Guess the field of each role from the records' fields."""
    values: dict[str, list[Any]] = {}
    for fields in records:
        for name, value in fields.items():
            if value not in (None, "", []):
                values.setdefault(name, []).append(value)
    if not values:
        return {}
    head = heads()["roles"]
    texts = [about_field(words_of(kind), words_of(name)) for name in values]
    likely = head.probabilities(np.stack([line_reader().vector(text) for text in texts]))
    found: dict[str, str] = {}
    for role, fits in FITS.items():
        column = likely[:, head.classes.index(role)]
        able = [
            (float(p), name)
            for p, (name, given) in zip(column, values.items(), strict=True)
            if name not in found.values() and sum(map(fits, given)) > len(given) / 2
        ]
        if able and max(able)[0] >= LEAST:
            found[COLUMNS[role]] = max(able)[1]
    return found


def is_date(value: Any) -> bool:
    return bool(DATE.match(str(value)))


def is_amount(value: Any) -> bool:
    return not is_date(value) and bool(AMOUNT.fullmatch(str(value).strip()))


def is_status(value: Any) -> bool:
    return isinstance(value, str) and not is_date(value) and len(value.split()) <= STATUS_WORDS


def is_name(value: Any) -> bool:
    return isinstance(value, str) and not is_date(value) and not is_amount(value)


COLUMNS = {
    "status": "status",
    "own date": "own_date",
    "expected date": "expected_date",
    "done date": "done_date",
    "total": "total",
    "name": "subject",
}
# In the order of their choice: a field has one role.
FITS = {
    "status": is_status,
    "own date": is_date,
    "expected date": is_date,
    "done date": is_date,
    "total": is_amount,
    "name": is_name,
}


def is_final(row: RecordKind, status: Any) -> bool:
    """Tell whether a record with this status is finished."""
    text = str(status).strip()
    if text in row.final_statuses or text in row.open_statuses:
        return text in row.final_statuses
    return judged_final(row.name, text)


@lru_cache(maxsize=10_000)
def judged_final(kind: str, status: str) -> bool:
    vector = line_reader().vector(about_status(words_of(kind), status))
    [(label, _)] = heads()["final"].best(vector[None])
    return label == "final"


@dataclass(frozen=True)
class Asked:
    """What a question asks and how it picks a record out, each with its probability."""

    ask: str
    likely: float
    picks: str
    picks_likely: float = 1.0


def asked(text: str) -> Asked:
    vector = line_reader().vector(text)[None]
    [asks], [picks] = heads()["asks"].best(vector), heads()["picks"].best(vector)
    return Asked(*asks, *picks)
