"""Numbers of a record as people write them: every digit that the CRM gave, and none of its own."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

MONEY = re.compile(
    r"\b(?:price|cost|total|subtotal|amount|freight|fee|charge|refund|paid|balance|value|discount)"
    r"s?\b"
)
# A double keeps fifteen digits of what it was made from, and what stands behind them is its own
# (10499.990000000002); so it is where a few digits say the same to fifteen places.
DIGITS, FEW = 15, 12
# Ends of the names of fields that are surely money: "total items" is none, nor "discount", which
# may be of percent.
PRICED = re.compile(
    r"(?:price|cost|total|amount|freight|fee|charge|refund|postage|deposit)s?"
    r"(?: (?:due|paid|net|gross|open))?$"
)
COUNTED = re.compile(r"\b(?:number|count|quantity|qty|percent|percentage|rate|points)\b")
CURRENCY = re.compile(r"(?:^|[ _])currency(?:[ _]?(?:iso[ _]?)?code)?$", re.I)
# Its code or sign: a word would not stand beside a number.
CODE = re.compile(r"[A-Za-z]{3}|[€$£¥₹₽₩₺₫฿₴₪]")


def spoken(label: str, value: int | float, currency: str = "") -> str:
    """1234567.891, 14.00 and 1200, with the currency where it is money."""
    return priced(label, number(label, value), currency)


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


def priced(label: str, text: str, currency: str) -> str:
    name = label.lower()
    money = currency and PRICED.search(name) and not COUNTED.search(name)
    return f"{text} {currency}" if money and re.fullmatch(r"-?\d[\d.,]*", text) else text


def currency_of(fields: Mapping[str, Any], otherwise: str = "") -> str:
    """What the record says of its amounts."""
    for name, value in fields.items():
        if isinstance(value, str) and is_currency(name) and CODE.fullmatch(value.strip()):
            return value.strip().upper()
    return otherwise


def is_currency(name: str) -> bool:
    return bool(CURRENCY.search(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)))
