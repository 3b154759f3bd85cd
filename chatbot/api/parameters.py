"""Query parameters, checked; a refusal names the parameter."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from crm.ids.aliases import SeveralSystems, resolve
from inference.text import trimmed

# A number's most digits: every database accepts nine.
DIGITS = 9


def text(request: Request, name: str) -> str:
    """Return a parameter that every database accepts."""
    value = request.query_params.get(name, "")
    if "\x00" in value:
        raise ValidationError({name: "contains a NUL character"})
    # A program's variable that is empty by mistake must not select everything.
    if name in request.query_params and not trimmed(value):
        raise ValidationError({name: "is blank: leave it out, or give a value"})
    return value


def customer(request: Request) -> str:
    """Return the customer's own id for any of their ids; "" without the parameter."""
    id = trimmed(text(request, "customer"))
    try:
        return id and resolve(id)
    except SeveralSystems as error:
        raise ValidationError({"customer": str(error)}) from None


def number(request: Request, name: str) -> int | None:
    if name not in request.query_params:
        return None
    value = text(request, name)
    if not (value.isascii() and value.isdigit() and len(value) <= DIGITS):
        raise ValidationError({name: "must be a number"})
    return int(value)


def one_of(request: Request, name: str, known: Iterable[str]) -> str | None:
    if name not in request.query_params:
        return None
    value = text(request, name)
    if value not in known:
        raise ValidationError({name: f"must be one of {', '.join(known)}"})
    return value


def moment(request: Request, name: str) -> datetime | None:
    if name not in request.query_params:
        return None
    try:
        moment = parse_datetime(text(request, name))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationError({name: "must be an ISO 8601 time with a time zone"})
    return moment
