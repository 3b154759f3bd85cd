"""Dialects of the systems that send webhooks: one module each.

A dialect has two functions, and others as it needs them:

    verify(delivery, secret)           raises Refused
    changes(body, delivery)            the JSON body as a list of Change; raises PayloadError
    event_id(body, delivery)           the event's own id, if it is signed and the same at each try
    full_id(id)                        the id to store, if the system spells one id in two ways
    customers(body, delivery)          customers' ids, if they may be in fields of any name
    check(mapping)                     raises ValueError if the mapping cannot work
    TAKES_PARTS = True                 if the sender cannot correct its events. A batch is then
                                       accepted in part: `changes` returns a PayloadError in the
                                       place of each item that does not fit

Customers can read only the fields that the system itself shows them, and the fields for agents
that the source's mapping allows.
"""

import hashlib
import json
import logging
import pkgutil
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

from django.utils import timezone

from crm.plumbing import storable
from inference.text import unstorable

logger = logging.getLogger("attune.inbound")
TOLERANCE = 5 * 60  # seconds
LONGEST_BATCH = 500
# NUL as json.dumps writes it; a literal backslash is doubled.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Refused(Exception):
    """The check that failed: `headers`, `signature` or `timestamp`; never how close it was."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


class PayloadError(ValueError):
    """A mistake in a payload. field: where in the body, such as `data[3].title`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


@dataclass(frozen=True)
class IncomingWebhook:
    """A request as it arrived. Header names are in lower case."""

    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    url: str = ""
    mapping: Mapping[str, Any] = field(default_factory=dict)
    received: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True)
class Change:
    """A change of records or customers, in Attune's own terms.

    type: `record.upserted`, `record.deleted`, `record.restored`, `customer.merged`,
    `customer.erased`, `customer.deleted` (erases, unless the customer was merged before) or
    `action.completed`.

    Systems delete a customer's own record after a merge too. So the data of such a `record.deleted`
    names "of_customer": if that customer was merged, the record stays.

    data: for an upserted record, a row in the form that `parse` in `crm/knowledge/records.py`
    reads, with the keys
    id, kind, customer, title, text, fields, address, updated_at, deleted and partial.

    field: its place in the body, for error messages. note: what the dialect has cut or corrected,
    for the operators.
    """

    type: str
    data: dict[str, Any]
    field: str = "data"
    note: str = ""


def names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


def check_mapping(name: str, mapping: Any) -> None:
    """Raise ValueError, with a message for the operator, if the mapping cannot work."""
    check = getattr(dialect(name), "check", None)
    if any(map(unstorable, storable.strings(mapping))):
        raise ValueError("The mapping holds a NUL character or half of a surrogate pair.")
    if check:
        check(mapping)


@cache
def dialect(name: str) -> Any:
    """Return the dialect's module. Raises ModuleNotFoundError for an unknown name."""
    return import_module(f"{__name__}.{name}")


def parsed(body: bytes) -> Any:
    """Parse JSON, and refuse what some database cannot store: NUL, half of a surrogate pair, NaN
    and infinite numbers."""
    try:
        payload = storable.loads(body)
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise PayloadError("body", f"is not JSON that can be stored: {error}") from None
    if NUL.search(text):
        raise PayloadError("body", "holds a NUL character")
    return payload


def changes(dialect: Any, body: Any, delivery: IncomingWebhook) -> Any:
    """Call the dialect's `changes`. A payload of an unknown form that trips the dialect is refused,
    and so stored."""
    try:
        return dialect.changes(body, delivery)
    except PayloadError:
        raise
    except Exception:
        logger.exception("%s cannot read an event", dialect.__name__)
        raise PayloadError("body", "does not look like an event of this dialect") from None


def event_id(dialect: Any, body: Any, delivery: IncomingWebhook) -> str:
    """Return the event's own id if it is signed; else the digest of the body, which cannot be
    varied."""
    own = getattr(dialect, "event_id", None)
    return str((own and own(body, delivery)) or digest(delivery))


def spelling(dialect: Any, id: str) -> str:
    """Return the id in the spelling in which this system's ids are stored."""
    full = getattr(dialect, "full_id", None)
    return str(full(id)) if full else id


def customers(dialect: Any, body: Any, delivery: IncomingWebhook) -> list[Any]:
    """Return the customers' ids that the dialect finds, even in a body that is refused."""
    find = getattr(dialect, "customers", None)
    return find(body, delivery) if find else []


def digest(delivery: IncomingWebhook) -> str:
    return f"sha256:{hashlib.sha256(delivery.body).hexdigest()}"


def fresh(seconds: float) -> None:
    if not abs(time.time() - seconds) <= TOLERANCE:
        raise Refused("timestamp")


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused("timestamp") from None


def member(body: Any, name: str, kind: Any, where: str = "") -> Any:
    """Return body[name], which must exist and be of that kind."""
    place = f"{where}.{name}" if where else name
    if not isinstance(body, dict):
        raise PayloadError(where or "body", "must be an object")
    if name not in body or body[name] in (None, ""):
        raise PayloadError(place, "is missing")
    if not isinstance(body[name], kind):
        wanted = {dict: "an object", list: "a list", str: "a string"}.get(kind, "a text or number")
        raise PayloadError(place, f"must be {wanted}")
    return body[name]


def scalar(value: Any) -> str:
    """Return a text or number as text; "" for null and anything else that does not fit into a
    sentence."""
    return str(value).strip() if isinstance(value, str | int | float) and value is not True else ""


def needed(body: Any, name: str, where: str = "") -> str:
    """Return body[name] as text; it must exist."""
    return str(member(body, name, (str, int), where))


def of_each(
    rows: list[Any], make: Callable[[Any, str], list["Change"]], where: str = ""
) -> list[Any]:
    """Return the changes of each row, or its PayloadError if the row does not fit."""

    def made() -> Iterator[Any]:
        for place, row in enumerate(many(rows, where or "body")):
            try:
                yield from make(row, f"{where}[{place}]")
            except PayloadError as error:
                yield error

    return list(made())


def check_public(mapping: Any) -> None:
    """Check a mapping such as `{"public": {"case": ["Warranty__c"]}}`: fields that customers may
    read besides the usual ones."""
    public = mapping.get("public", {}) if isinstance(mapping, dict) else None
    lists = public.values() if isinstance(public, dict) else [None]
    if not all(isinstance(names, list) and all(map(is_name, names)) for names in lists):
        raise ValueError(
            'The mapping must list fields by object: {"public": {"case": ["Warranty__c"]}}.'
        )


def is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and name.isprintable()


def allowed(delivery: "IncomingWebhook", kind: str) -> set[str]:
    """Return the fields of this kind of object that the source's mapping shows to customers."""
    public = delivery.mapping.get("public") or {}
    return {name for key, names in public.items() if key.lower() == kind for name in names}


def many(rows: list[Any], where: str = "data") -> list[Any]:
    if not 1 <= len(rows) <= LONGEST_BATCH:
        raise PayloadError(where, f"has {len(rows)} entries; send 1 to {LONGEST_BATCH} at once")
    return rows
