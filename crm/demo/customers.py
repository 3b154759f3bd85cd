"""Customer records, with the Trail Club points that follow from their plans."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from crm.demo import plans, shop

POINTS_PER_EURO_OF_VOUCHER = 20
SHOWN = ("name", "e-mail", "phone", "address", "city", "postcode", "country", "loyalty tier")


def records() -> Iterator[dict[str, Any]]:
    for customer in shop.customers().values():
        yield customer_record(customer)


def customer_record(customer: dict[str, Any]) -> dict[str, Any]:
    who = customer["id"]
    fields = {name: customer[name] for name in SHOWN} | {
        "loyalty points": points(who),
        "customer since": customer["customer since"],
        "payment method": customer["payment method"],
    }
    since = shop.plain_date(date.fromisoformat(customer["customer since"]))
    text = f"{customer['name']} from {customer['city']}, customer since {since}."
    return shop.record(
        f"customer:{who}", "customer", who, customer["name"], text, fields, shop.TODAY
    )


def points(who: str) -> int:
    """Count last year's points, plus this year's for goods that arrived and were kept, less
    vouchers used."""
    theirs = [plan for plan in plans.all_plans() if plan["customer"] == who]
    earned = sum(_earned(plan) for plan in theirs)
    return int(shop.customers()[who]["points from 2025"]) + earned - sum(map(_redeemed, theirs))


def _earned(plan: plans.Plan) -> int:
    if not plans.delivered_date(plan):
        return 0
    kept = plans.goods(plan)
    for returned in plan.get("returns", ()):
        if returned["status"] == "refunded":
            kept -= plans.line_total(plans.item_of(plan, returned["sku"]))
    return kept // 100


def _redeemed(plan: plans.Plan) -> int:
    """Return the points that the order's voucher cost; none if the order was cancelled."""
    voucher = plan.get("discount", {}).get("reason") == "Trail Club voucher"
    used = voucher and plan["status"] != "cancelled"
    return plans.discount(plan) * POINTS_PER_EURO_OF_VOUCHER // 100 if used else 0
