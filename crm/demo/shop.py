"""Facts about Fernhill Outdoor: its calendar, delivery prices, products and customers.

The help articles state the same facts; the tests check that the two agree.
Money is counted in euro cents inside this package and shown in euros in the records.
"""

import json
from calendar import month_name
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

#: The demo's today, a Sunday. Nothing in the records happens after it.
TODAY = date(2026, 11, 22)

PUBLIC_HOLIDAYS = frozenset(
    date(2026, month, day)
    for month, day in [(3, 17), (4, 6), (5, 4), (6, 1), (8, 3), (10, 26), (12, 25), (12, 26)]
)


@dataclass(frozen=True)
class Service:
    """One way to deliver. `days` are working days after dispatch, earliest and latest."""

    cost: int
    days: tuple[int, int]
    free_from: int | None = None


@dataclass(frozen=True)
class Region:
    name: str
    carrier: str
    hub: str
    return_postage: int
    services: dict[str, Service]


IRELAND = Region(
    "Ireland", "Atlantic Parcels", "Athlone", 0,
    {"standard": Service(495, (2, 3), 7500), "express": Service(995, (1, 1))},
)  # fmt: skip
GREAT_BRITAIN = Region(
    "Great Britain", "Crown Courier", "Holyhead", 695,
    {"standard": Service(795, (3, 5), 10000), "express": Service(1495, (2, 2))},
)  # fmt: skip
EUROPE = Region(
    "European Union", "Euroway", "Rotterdam", 695,
    {"standard": Service(995, (4, 7), 12000), "express": Service(1995, (3, 3))},
)  # fmt: skip

REGION_OF = {
    "Ireland": IRELAND,
    "Northern Ireland": IRELAND,
    "United Kingdom": GREAT_BRITAIN,
    "Germany": EUROPE,
    "France": EUROPE,
    "Sweden": EUROPE,
}

FREE_METHODS = frozenset({"collect", "e-mail"})


def delivery_cost(customer: dict[str, Any], method: str, goods: int) -> int:
    """Return the cents that it costs to deliver goods worth `goods` cents after discounts."""
    if method in FREE_METHODS:
        return 0
    service = REGION_OF[customer["country"]].services[method]
    if service.free_from is None:
        return service.cost
    free = goods >= service.free_from or customer["loyalty tier"] == "Summit"
    return 0 if free else service.cost


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and day not in PUBLIC_HOLIDAYS


def working_days_after(day: date, count: int) -> date:
    """Return the `count`-th working day after `day`; `day` itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def cents(euros: float) -> int:
    return round(euros * 100)


def euros(amount: int) -> float:
    return amount / 100


def plain_date(day: date) -> str:
    """Write a date as people do: 7 November 2026."""
    return f"{day.day} {month_name[day.month]} {day.year}"


def record(
    id: str,
    kind: str,
    customer: str | None,
    title: str,
    text: str,
    fields: dict[str, Any],
    updated: date,
) -> dict[str, Any]:
    """Return a record as the CRM would send it. Fields that are None are left out."""
    return {
        "id": id,
        "kind": kind,
        "customer": customer,
        "title": title,
        "text": text,
        "fields": {name: value for name, value in fields.items() if value is not None},
        "updated_at": f"{updated.isoformat()}T17:00:00Z",
        "deleted": False,
    }


def load(name: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return data


@cache
def products() -> dict[str, dict[str, Any]]:
    return {product["sku"]: product for product in load("products.json")}


@cache
def customers() -> dict[str, dict[str, Any]]:
    return {customer["id"]: customer for customer in load("customers.json")}


def region(customer: dict[str, Any]) -> Region:
    return REGION_OF[customer["country"]]
