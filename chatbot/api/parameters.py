"""What stands behind the question mark, or a refusal that names it."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from crm.ids.aliases import SeveralSystems, resolve
from inference.text import trimmed

# Of a number: what every database takes.
DIGITS = 9


def plain(request: Request, name: str) -> str:
    """A parameter that every database takes."""
    value = request.query_params.get(name, "")
    if "\x00" in value:
        raise ValidationError({name: "holds a NUL character"})
    # A variable that is empty by mistake must not ask for everything.
    if name in request.query_params and not trimmed(value):
        raise ValidationError({name: "is blank: leave it out, or say which"})
    return value


def customer(request: Request) -> str:
    """The person who is asked for, by any of their ids; "" where nobody is."""
    id = trimmed(plain(request, "customer"))
    try:
        return id and resolve(id)
    except SeveralSystems as error:
        raise ValidationError({"customer": str(error)}) from None


def number(request: Request, name: str) -> int | None:
    if name not in request.query_params:
        return None
    value = plain(request, name)
    if not (value.isascii() and value.isdigit() and len(value) <= DIGITS):
        raise ValidationError({name: "must be a number"})
    return int(value)


def one_of(request: Request, name: str, known: Iterable[str]) -> str | None:
    if name not in request.query_params:
        return None
    value = plain(request, name)
    if value not in known:
        raise ValidationError({name: f"must be one of {', '.join(known)}"})
    return value


def moment(request: Request, name: str) -> datetime | None:
    if name not in request.query_params:
        return None
    try:
        found = parse_datetime(plain(request, name))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValidationError({name: "must be an ISO 8601 time with its zone"})
    return found
