"""What an action asks of the customer: what there is to choose, and what a value must be.

Nothing is taken on the browser's word: each value is judged here again, a record by whose it is.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F

from chatbot.models import Action, ActionField
from crm.knowledge import moments
from crm.models import Customer, Record
from inference.text import written

LONGEST = 300
# Of a customer's records, the newest.
CHOICES = 50
PHONE = re.compile(r"\+?[\d\s()/.-]+")
SHORTEST_PHONE, LONGEST_PHONE = 5, 15


class Invalid(Exception):
    """A sentence to the customer, which begins with the field's label."""


# How each kind is written for people, or ValueError with what it should be.
Shown = Callable[[ActionField, str, Customer | None], str]


def text(field: ActionField, value: str, customer: Customer | None) -> str:
    if len(value) > LONGEST:
        raise ValueError(f"please use at most {LONGEST} characters")
    return value


def choice(field: ActionField, value: str, customer: Customer | None) -> str:
    if value not in field.options:
        raise ValueError("please choose one of those shown")
    return value


def phone(field: ActionField, value: str, customer: Customer | None) -> str:
    digits = sum(character.isdigit() for character in value)
    if not PHONE.fullmatch(value) or not SHORTEST_PHONE <= digits <= LONGEST_PHONE:
        raise ValueError("please write a number like +353 20 910 4067")
    return value


def email(field: ActionField, value: str, customer: Customer | None) -> str:
    try:
        validate_email(value)
    except ValidationError:
        raise ValueError("please write an address like name@example.com") from None
    return value


def day(field: ActionField, value: str, customer: Customer | None) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("please choose a day") from None
    return moments.formatted("", value) or value


def record(field: ActionField, value: str, customer: Customer | None) -> str:
    found = own(field, customer).filter(id=value).first() if customer else None
    if found is None:
        raise ValueError("please choose one of those shown")
    return found.title


KINDS: dict[str, Shown] = {
    "text": text,
    "choice": choice,
    "phone": phone,
    "email": email,
    "date": day,
    "record": record,
}


def own(field: ActionField, customer: Customer | None) -> Any:
    """The customer's records that the field may name, the newest first; nobody else's."""
    theirs = Record.objects.filter(customer=customer, customer__isnull=False, deleted=False)
    return theirs.filter(kind__in=field.options).order_by(
        F("latest").desc(nulls_last=True), "-updated_at", "id"
    )


def cleaned(
    action: Action, values: dict[str, str], customer: Customer | None
) -> list[dict[str, str]]:
    """What was confirmed, with the words to show it by. Raises Invalid."""
    fields = list(action.fields.all())
    if unknown := sorted(set(values) - {field.name for field in fields}):
        raise Invalid(f"This form has no field {unknown[0]!r}.")
    # On one line each: they are told in a message of ours, which nobody else continues.
    given = {name: " ".join(written(value).split()) for name, value in values.items()}
    rows = (row(field, given.get(field.name, ""), customer) for field in fields)
    return [one for one in rows if one["value"]]


def row(field: ActionField, value: str, customer: Customer | None) -> dict[str, str]:
    if not value and field.required:
        raise Invalid(f"{field.label}: please fill this in.")
    try:
        shown = KINDS[field.kind](field, value, customer) if value else ""
    except ValueError as error:
        raise Invalid(f"{field.label}: {error}.") from None
    about = {"name": field.name, "label": field.label, "kind": field.kind}
    return about | {"value": value, "shown": shown}


def prefilled(
    action: Action, named: list[str], customer: Customer | None
) -> Iterator[dict[str, str]]:
    """Of each field for a record, the first of these that it may name."""
    for field in action.fields.all():
        if field.kind == "record":
            theirs = {one.id: one for one in own(field, customer).filter(id__in=named)}
            for found in [theirs[id] for id in named if id in theirs][:1]:
                yield row(field, found.id, customer)


def form(action: Action, values: list[dict[str, str]], customer: Customer | None) -> list[Any]:
    """The fields as the widget builds them."""
    filled = {one["name"]: one for one in values}
    return [described(field, filled.get(field.name), customer) for field in action.fields.all()]


def described(
    field: ActionField, filled: dict[str, str] | None, customer: Customer | None
) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "kind": field.kind,
        "required": field.required,
        "value": filled["value"] if filled else "",
        "choices": choices(field, filled, customer),
    }


def choices(
    field: ActionField, filled: dict[str, str] | None, customer: Customer | None
) -> list[dict[str, str]]:
    if field.kind == "record":
        found = own(field, customer)[:CHOICES]
        shown = {filled["value"]: filled["shown"]} if filled else {}
        shown |= {one.id: one.title for one in found}
    else:
        shown = {one: one for one in field.options}
    return [{"value": value, "label": label} for value, label in shown.items()]
