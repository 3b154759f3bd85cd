"""Formats a record's numbers as people write them, with exactly the digits that the CRM sent."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from inference.text import HUMP

MONEY = re.compile(
    r"\b(?:price|cost|total|subtotal|amount|freight|fee|charge|refund|paid|balance|value|discount)"
    r"s?\b"
)
# A double keeps fifteen digits of the number it was made from; the rest are noise
# (10499.990000000002). If the first fifteen round to a few digits, those few were meant.
DIGITS, FEW = 15, 12
# Ends of the names of fields that surely hold money: "total items" does not, and "discount" may be
# a percentage.
PRICED = re.compile(
    r"(?:price|cost|total|amount|freight|fee|charge|refund|postage|deposit)s?"
    r"(?: (?:due|paid|net|gross|open))?$"
)
COUNTED = re.compile(r"\b(?:number|count|quantity|qty|percent|percentage|rate|points)\b")
CURRENCY = re.compile(r"(?:^|[ _])currency(?:[ _]?(?:iso[ _]?)?code)?$", re.I)
# A currency's code or sign; a word does not belong beside a number.
SIGNS = "€$£¥₹₽₩₺₫฿₴₪"
CODE = re.compile(rf"[A-Za-z]{{3}}|[{SIGNS}]")


def formatted(label: str, value: int | float, currency: str = "") -> str:
    """Write a number, such as 1234567.891, 14.00 or 1200, with the currency if it is money."""
    return with_currency(label, number(label, value), currency)


def number(label: str, value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    near = Decimal(f"{value:.{DIGITS}g}").normalize()
    exact = near if len(near.as_tuple().digits) <= FEW else Decimal(repr(value))
    text = f"{exact or 0:f}"  # Without the sign of a negative zero.
    whole, _, places = text.partition(".")
    places = places.rstrip("0")
    if not places and not MONEY.search(label.lower()):
        return whole
    return f"{whole}.{places:0<2}"


def with_currency(label: str, text: str, currency: str) -> str:
    name = label.lower()
    money = currency and PRICED.search(name) and not COUNTED.search(name)
    return f"{text} {currency}" if money and re.fullmatch(r"-?\d[\d.,]*", text) else text


def currency_of(fields: Mapping[str, Any], otherwise: str = "") -> str:
    """Return the currency that the record names, or `otherwise`."""
    for name, value in fields.items():
        if not isinstance(value, str) or not CODE.fullmatch(value.strip()):
            continue
        if CURRENCY.search(HUMP.sub(" ", name)):
            return value.strip().upper()
    return otherwise


# Other marks between thousands: 1'912.40, 1’912.40, and blanks at which no line breaks.
APART = "'’\u00a0\u202f\u2009"
GAP = f"[ {APART[2:]}]?"
# "GBP 1,912.40", "41.50", "€12", "1.912,40 €", "29,90". A second number makes it ambiguous, and so
# does 1.234, which may be a thousand or one; 1,234 is read as English has it.
PLAIN = re.compile(
    rf"(?P<before>[A-Z]{{3}}|R|[{SIGNS}])?{GAP}(?P<sign>-?)(?:"
    rf"(?P<point>(?:\d{{1,3}}(?:[,{APART}]\d{{3}}){{1,4}}|\d{{1,12}})(?:\.\d{{1,2}})?)"
    rf"|(?P<comma>(?:\d{{1,3}}(?:[. {APART}]\d{{3}}){{1,4}}|\d{{1,12}}),\d{{1,2}}"
    rf"|\d{{1,3}}(?:\.\d{{3}}){{2,4}})"
    rf"){GAP}(?P<after>[A-Z]{{3}}|[{SIGNS}])?"
)
# A number that does not say whether it has thousands or places: 1.234, 1,234.
EITHER = re.compile(r"(?<![\d.,])\d{1,3}[.,]\d{3}(?![\d.,])")


def parsed(value: Any, currency: str = "") -> tuple[Decimal, str] | None:
    """Return an amount and its currency, which may be the record's; None if it is ambiguous."""
    if isinstance(value, bool):
        return None
    text = number("amount", value) if isinstance(value, int | float) else str(value).strip()
    found = PLAIN.fullmatch(text)
    if not found or (found["before"] and found["after"]):
        return None
    if comma := found["comma"]:
        digits = re.sub(r"[^\d,]", "", comma).replace(",", ".")
    else:
        digits = re.sub(r"[^\d.]", "", found["point"])
    return Decimal(found["sign"] + digits), found["before"] or found["after"] or currency


def has_decimal_comma(text: str) -> bool | None:
    """Tell how an amount is written; None if it may be either way, or is no amount."""
    found = PLAIN.fullmatch(text)
    if not found or found["comma"]:
        return bool(found) or None
    return False if "." in text or text.count(",") > 1 else None


def with_decimal_point(text: str) -> str:
    """Write an amount, whose column has decimal commas, so that it can be read in one way only:
    1.234 as 1234, and 1,234 as 1.234."""
    found = EITHER.search(text)
    if not found or not PLAIN.fullmatch(text.replace(found[0], "1")):
        return text
    return text.replace(found[0], found[0].replace(".", "").replace(",", "."))
