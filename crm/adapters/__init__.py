"""Dialects of the systems that send webhooks: one module each.

A dialect is two functions, and others where they are needed:

    verify(delivery, secret)           raises Refused
    changes(body, delivery)            the JSON body as a list of Change; raises PayloadError
    event_id(body, delivery)           where it is signed: the same event has the same id each time
    full_id(id)                        where the system spells one id in two ways: the one to keep
    customers(body, delivery)          where their ids stand in fields of any name: these ids
    check(mapping)                     where it takes one: raises ValueError where it cannot work
    TAKES_PARTS = True                 where its sender can mend nothing: what does not fit of a
                                       batch is in the list as a PayloadError, the rest is taken

What customers read is named: a dialect takes what its system shows them, and from what its system
keeps for agents only what the source's mapping allows.
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

logger = logging.getLogger("attune.inbound")
TOLERANCE = 5 * 60  # seconds
LONGEST_BATCH = 500
# As json.dumps writes it; a backslash that stands for itself is doubled.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Refused(Exception):
    """check: `headers`, `signature` or `timestamp`, whichever failed; never how close it was."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


class PayloadError(ValueError):
    """field: where in the body, such as `data[3].title`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


@dataclass(frozen=True)
class Delivery:
    """A request as it arrived. Header names are in lower case."""

    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    url: str = ""
    mapping: Mapping[str, Any] = field(default_factory=dict)
    received: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True)
class Change:
    """type: `record.upserted`, `record.deleted`, `customer.merged`, `customer.erased`,
    `customer.deleted` (erased, unless the system had merged them before) or `action.completed`.

    Where a system deletes a customer's own record, as it does after a merge, the data of the
    `record.deleted` names "of_customer": of one who was merged before, the record stays.

    field: where in the body it stands, for who reads an error.
    """

    type: str
    data: dict[str, Any]
    field: str = "data"


def names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


def check_mapping(name: str, mapping: Any) -> None:
    """ValueError in words where this dialect's mapping cannot work."""
    check = getattr(dialect(name), "check", None)
    if any(map(storable.unstorable, storable.strings(mapping))):
        raise ValueError("The mapping holds a NUL character or half of one.")
    if check:
        check(mapping)


@cache
def dialect(name: str) -> Any:
    """The dialect's module. ModuleNotFoundError for a name that has none."""
    return import_module(f"{__name__}.{name}")


def parsed(body: bytes) -> Any:
    """JSON that every database can keep: no NUL, no half characters, no infinite numbers."""
    try:
        payload = json.loads(body)
        text = json.dumps(payload, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise PayloadError("body", f"is no JSON that can be kept: {error}") from None
    if NUL.search(text):
        raise PayloadError("body", "holds a NUL character")
    return payload


def changes(dialect: Any, body: Any, delivery: Delivery) -> Any:
    """A dialect may trip over a payload as nobody has seen one: that refuses it, and it is kept."""
    try:
        return dialect.changes(body, delivery)
    except PayloadError:
        raise
    except Exception:
        logger.exception("%s cannot read an event", dialect.__name__)
        raise PayloadError("body", "does not look as the events of this dialect do") from None


def event_id(dialect: Any, body: Any, delivery: Delivery) -> str:
    """Its own, where it is signed; else the digest of its body, which nobody can vary."""
    own = getattr(dialect, "event_id", None)
    return str((own and own(body, delivery)) or digest(delivery))


def spelling(dialect: Any, id: str) -> str:
    """The id as this system's ids are kept."""
    full = getattr(dialect, "full_id", None)
    return str(full(id)) if full else id


def customers(dialect: Any, body: Any, delivery: Delivery) -> list[Any]:
    """Their ids, also of a body that is no change or does not fit."""
    found = getattr(dialect, "customers", None)
    return found(body, delivery) if found else []


def digest(delivery: Delivery) -> str:
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
    """body[name], which must be there and of that kind."""
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
    """A text or number as text; "" for null and whatever else has no place in a sentence."""
    return str(value).strip() if isinstance(value, str | int | float) and value is not True else ""


def needed(body: Any, name: str, where: str = "") -> str:
    """body[name] as text, which must be there."""
    return str(member(body, name, (str, int), where))


def of_each(
    rows: list[Any], make: Callable[[Any, str], list["Change"]], where: str = ""
) -> list[Any]:
    """The changes of each row; where one does not fit, its PayloadError in their place."""

    def made() -> Iterator[Any]:
        for place, row in enumerate(many(rows, where or "body")):
            try:
                yield from make(row, f"{where}[{place}]")
            except PayloadError as error:
                yield error

    return list(made())


def check_public(mapping: Any) -> None:
    """`{"public": {"case": ["Warranty__c"]}}`: fields that customers may read beside the usual."""
    public = mapping.get("public", {}) if isinstance(mapping, dict) else None
    lists = public.values() if isinstance(public, dict) else [None]
    if not all(isinstance(one, list) and all(map(is_name, one)) for one in lists):
        raise ValueError('The mapping is {"public": {"case": ["Warranty__c"]}}: fields by object.')


def is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and name.isprintable()


def allowed(delivery: "Delivery", kind: str) -> set[str]:
    """Fields of this kind of object that the source's mapping shows to customers."""
    public = delivery.mapping.get("public") or {}
    return {name for key, names in public.items() if key.lower() == kind for name in names}


def many(rows: list[Any], where: str = "data") -> list[Any]:
    if not 1 <= len(rows) <= LONGEST_BATCH:
        raise PayloadError(where, f"has {len(rows)} entries; send 1 to {LONGEST_BATCH} at once")
    return rows
