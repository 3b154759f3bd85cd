"""Dialects of CRMs: how each signs its webhooks, and what they say in Attune's own words.

A dialect is a module here, named in Source.dialect, with two functions:

    verify(headers, body, secrets) -> str    the event's id, or SignatureRefused
    changes(payload, mapping) -> list[Change], or SchemaError

headers have lower-case names; body is the raw bytes; payload is the parsed JSON; mapping
is the source's own, which only the generic dialect reads.
"""

import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

MOST = 500


class SchemaError(ValueError):
    """The payload does not fit; `field` is where, as in "data[3].title"."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


@dataclass(frozen=True)
class Change:
    """`type` is one of crm.inbound.TYPES; data as DESIGN's wire names have it."""

    type: str
    data: dict[str, Any]


class Dialect(Protocol):
    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> str: ...
    def changes(self, payload: Any, mapping: dict[str, Any]) -> list[Change]: ...


def names() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(__path__)]


@cache
def dialect(name: str) -> Dialect:
    return cast(Dialect, import_module(f"{__name__}.{name}"))


def objects(data: Any, field: str = "data") -> list[dict[str, Any]]:
    """One object or a list of them."""
    rows = data if isinstance(data, list) else [data]
    if not 1 <= len(rows) <= MOST:
        raise SchemaError(field, f"a batch has 1 to {MOST} objects, not {len(rows)}")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise SchemaError(f"{field}[{place}]" if rows is data else field, "must be an object")
    return rows
