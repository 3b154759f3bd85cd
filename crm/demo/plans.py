"""Plans: what happened to each order, in the form of stories.json, and what follows from it."""

from datetime import date, timedelta
from functools import cache
from typing import Any

from crm.demo import background, shop

Plan = dict[str, Any]

FORTNIGHT = timedelta(days=14)

#: Statuses for which no day of delivery can be promised.
NO_PROMISE = frozenset({"cancelled", "refunded", "pre-ordered", "waiting for stock",
                        "awaiting payment", "ready to collect"})  # fmt: skip


@cache
def all_plans() -> tuple[Plan, ...]:
    """Return all orders of the company, oldest first: the written stories and the everyday rest."""
    stories = shop.load("stories.json")
    return tuple(sorted([*stories, *background.plans(stories)], key=lambda plan: plan["number"]))


# Money, in cents


def subtotal(plan: Plan) -> int:
    return sum(map(line_total, plan["items"]))


def line_total(item: Plan) -> int:
    quantity: int = item.get("quantity", 1)
    return quantity * shop.cents(shop.products()[item["sku"]]["unit price"])


def discount(plan: Plan) -> int:
    return shop.cents(plan.get("discount", {}).get("amount", 0))


def goods(plan: Plan) -> int:
    """Return the value that counts for free delivery and points: the goods after discounts."""
    return subtotal(plan) - discount(plan)


def delivery(plan: Plan) -> int:
    return shop.delivery_cost(customer(plan), method(plan), goods(plan))


def refund_amount(plan: Plan, returned: Plan) -> int:
    """Return the refund for an item, less the label if the customer pays for it."""
    price = line_total(item_of(plan, returned["sku"]))
    return price + delivery_back(plan, returned) - label_cost(plan, returned)


def delivery_back(plan: Plan, returned: Plan) -> int:
    """Return the refund of standard delivery, for a whole order returned within 14 days."""
    there = date.fromisoformat(str(delivered_date(plan)))
    if len(plan["items"]) > 1 or date.fromisoformat(returned["requested"]) - there > FORTNIGHT:
        return 0
    return min(delivery(plan), shop.delivery_cost(customer(plan), "standard", goods(plan)))


def refund_due(received: str) -> date:
    return shop.working_days_after(date.fromisoformat(received), 5)


def label_cost(plan: Plan, returned: Plan) -> int:
    return 0 if returned.get("faulty") else shop.region(customer(plan)).return_postage


# Parts of a plan


def customer(plan: Plan) -> dict[str, Any]:
    return shop.customers()[plan["customer"]]


def method(plan: Plan) -> str:
    return str(plan.get("method", "standard"))


def payment(plan: Plan) -> str:
    return str(plan.get("payment") or customer(plan)["payment method"])


def item_of(plan: Plan, sku: str) -> Plan:
    return next(item for item in plan["items"] if item["sku"] == sku)


def described(item: Plan) -> str:
    """Name a product with its options: Heron 2 tent (Rust)."""
    fields = item_fields(item)
    options = ", ".join(fields[name] for name in ("size", "colour") if name in fields)
    return f"{fields['product']} ({options})" if options else str(fields["product"])


def item_fields(item: Plan) -> dict[str, Any]:
    product = shop.products()[item["sku"]]
    fields = {"product": product["name"], "sku": item["sku"]}
    if "size" in item:
        fields["size"] = item["size"]
    if colour := item.get("colour") or only(product.get("colours", ())):
        fields["colour"] = colour
    quantity = item.get("quantity", 1)
    return fields | {"quantity": quantity, "unit price": product["unit price"]}


def only(options: list[str]) -> str | None:
    return options[0] if len(options) == 1 else None


def contents(plan: Plan) -> str:
    return ", ".join(map(counted, plan["items"]))


def counted(item: Plan) -> str:
    quantity = item.get("quantity", 1)
    return f"{quantity} x {described(item)}" if quantity > 1 else described(item)


def first_parcels(plan: Plan) -> list[Plan]:
    """Return the order's own parcels, without those of an exchange or a replacement."""
    return [parcel for parcel in plan.get("parcels", ()) if "purpose" not in parcel]


def tracking_number(plan: Plan, index: int) -> str:
    return f"FHP26{plan['number']}{index}"


def return_number(plan: Plan, index: int) -> str:
    return f"RMA-{plan['number'] - 10000}{index}"


def expected(plan: Plan, shipped: str) -> date:
    latest = shop.region(customer(plan)).services[method(plan)].days[1]
    return shop.working_days_after(date.fromisoformat(shipped), latest)


def expected_delivery(plan: Plan) -> str | None:
    """Return the last day by which everything should have arrived, or None if nobody can say."""
    if plan["status"] in NO_PROMISE or method(plan) in shop.FREE_METHODS:
        return None
    if parcels := first_parcels(plan):
        return max(expected(plan, parcel["shipped"]) for parcel in parcels).isoformat()
    packed = shop.working_days_after(date.fromisoformat(plan["ordered"]), 2)
    return expected(plan, packed.isoformat()).isoformat()


def delivered_date(plan: Plan) -> str | None:
    """Return the day on which the last parcel arrived or the order was collected, or None."""
    days = [parcel.get("delivered") for parcel in first_parcels(plan)] or [plan.get("handed over")]
    return None if None in days else max(map(str, days))


def ship_to(plan: Plan) -> str | None:
    if method(plan) in shop.FREE_METHODS:
        return None
    who = customer(plan)
    parts = (who["name"], who["address"], who["city"], who["postcode"], who["country"])
    return str(plan.get("ship to") or ", ".join(parts))


def parcel_status(parcel: Plan) -> str:
    return str(parcel.get("status") or ("delivered" if "delivered" in parcel else "in transit"))


def history(plan: Plan, parcel: Plan) -> list[str]:
    """Return the courier's reports, one line a day, oldest first."""
    place = shop.region(customer(plan))
    lines = [(parcel["shipped"], f"Handed to {place.carrier} in Westport")]
    lines += parcel.get("events") or _sorted_on_the_way(parcel, place)
    if "delivered" in parcel:
        lines.append((parcel["delivered"], "Delivered"))
    return [f"{day}: {event}" for day, event in sorted(lines, key=lambda line: line[0])]


def _sorted_on_the_way(parcel: Plan, place: shop.Region) -> list[tuple[str, str]]:
    scanned = shop.working_days_after(date.fromisoformat(parcel["shipped"]), 1)
    there = date.fromisoformat(parcel.get("delivered") or shop.TODAY.isoformat())
    line = (scanned.isoformat(), f"Sorted at the {place.carrier} hub in {place.hub}")
    return [line] if scanned < there else []


def last_change(*days: str | None) -> date:
    return date.fromisoformat(max(day for day in days if day))
