"""The forms of CRM actions: their fields, their choices, and the check of the customer's values.

Nothing that the browser sends is trusted: each value is checked here, and a record must be the
customer's own.
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
# The newest records of a customer that a field offers.
CHOICES = 50
PHONE = re.compile(r"\+?[\d\s()/.-]+")
SHORTEST_PHONE, LONGEST_PHONE = 5, 15


class Invalid(Exception):
    """A value does not fit. The text is a sentence to the customer; it starts with the field's
    label."""


# Returns the value as people read it. Raises ValueError with the rest of the sentence for Invalid.
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
    chosen = own(field, customer).filter(id=value).first() if customer else None
    if chosen is None:
        raise ValueError("please choose one of those shown")
    return chosen.title


KINDS: dict[str, Shown] = {
    "text": text,
    "choice": choice,
    "phone": phone,
    "email": email,
    "date": day,
    "record": record,
}


def own(field: ActionField, customer: Customer | None) -> Any:
    """Select the customer's own records that the field may name, newest first."""
    theirs = Record.objects.filter(customer=customer, customer__isnull=False, deleted=False)
    return theirs.filter(kind__in=field.options).order_by(
        F("latest").desc(nulls_last=True), "-updated_at", "id"
    )


def cleaned(
    action: Action, values: dict[str, str], customer: Customer | None
) -> list[dict[str, str]]:
    """Check the confirmed values, and return them with their labels. Raises Invalid."""
    fields = list(action.fields.all())
    if unknown := sorted(set(values) - {field.name for field in fields}):
        raise Invalid(f"This form has no field {unknown[0]!r}.")
    # Each on one line: our notice quotes them, and it must not be possible to add lines to it.
    given = {name: " ".join(written(value).split()) for name, value in values.items()}
    rows = (row(field, given.get(field.name, ""), customer) for field in fields)
    return [filled for filled in rows if filled["value"]]


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
    """Fill each field for a record with the first of these records that it may name."""
    for field in action.fields.all():
        if field.kind == "record":
            theirs = {record.id for record in own(field, customer).filter(id__in=named)}
            for id in [id for id in named if id in theirs][:1]:
                yield row(field, id, customer)


def form(action: Action, values: list[dict[str, str]], customer: Customer | None) -> list[Any]:
    """Describe the fields for the widget, which builds the form."""
    filled = {row["name"]: row for row in values}
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
        shown = {filled["value"]: filled["shown"]} if filled else {}
        shown |= {record.id: record.title for record in own(field, customer)[:CHOICES]}
    else:
        shown = {option: option for option in field.options}
    return [{"value": value, "label": label} for value, label in shown.items()]
