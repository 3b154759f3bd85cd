"""The everyday orders around the written stories, drawn with a fixed seed.

Only `random()` and `choice()` of the generator are used: their results do not change
between Python versions. Plans have the same form as in stories.json.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from crm.demo import shop

Plan = dict[str, Any]

FIRST, LAST = 10301, 10500
SEED = 20261122
#: Things people buy more than one of, and how many at most.
SEVERAL = {"FH-SOC-010": 3, "FH-GAS-230": 4, "FH-DRY-020": 2, "FH-CAR-004": 2, "FH-HAT-015": 2}
NOT_DRAWN = frozenset({"FH-TNT-520", "FH-MAT-060", "FH-GFT-001"})
REASONS = {
    "Footwear": ("Too small", "Too wide at the heel", "Rubs at the ankle"),
    "Clothing": ("Too large", "Sleeves too short", "Colour darker than it looked"),
    "Sleeping": ("Narrower than expected", "Bought two to compare"),
}


def plans(stories: Sequence[Plan]) -> list[Plan]:
    """Return one plan for each order number that no story uses.

    Everyone orders at least once. Nobody orders more than eight times, or before joining. The first
    six customers, whom the demo shows, have only their stories.
    """
    rng = Random(SEED)
    used = {story["number"] for story in stories}
    numbers = [number for number in range(FIRST, LAST + 1) if number not in used]
    orders = dict.fromkeys(shop.customers(), 0)
    for story in stories:
        orders[story["customer"]] += 1
    buyers = [_buyer(rng, number, orders) for number in numbers]
    return [_plan(rng, number, buyer) for number, buyer in zip(numbers, buyers, strict=True)]


def ordered_on(number: int) -> date:
    """Return the date of an order. Orders come faster towards winter, so the gaps shrink."""
    back = 250 * ((LAST - number) / (LAST - FIRST)) ** 1.4
    return shop.TODAY - timedelta(days=round(back))


def _buyer(rng: Random, number: int, orders: dict[str, int]) -> str:
    day = ordered_on(number).isoformat()
    open_to = [
        who
        for who, customer in list(shop.customers().items())[6:]
        if customer["customer since"] < day and orders[who] < _most(customer)
    ]
    waiting = [who for who in open_to if orders[who] == 0]
    who = rng.choice(waiting if waiting and rng.random() < 0.5 else open_to)
    orders[who] += 1
    return who


def _most(customer: dict[str, Any]) -> int:
    casual = (1, 2, 3, 5)[int(customer["id"].removeprefix("cust_")) % 4]
    return {"Summit": 8, "Ridge": 6, "Path": casual}[customer["loyalty tier"]]


def _plan(rng: Random, number: int, who: str) -> Plan:
    customer = shop.customers()[who]
    ordered = ordered_on(number)
    nearby = customer["city"] in ("Westport", "Galway")
    method = "collect" if nearby and rng.random() < 0.4 else "standard"
    if method == "standard" and rng.random() < 0.12:
        method = "express"
    by_road = method == "standard" and shop.region(customer) is shop.IRELAND
    plan: Plan = {
        "number": number, "customer": who, "ordered": ordered.isoformat(), "method": method,
        "items": _items(rng, gas=by_road or method == "collect"),
    }  # fmt: skip
    _discount(rng, plan, customer)
    if method == "collect":
        _collection(rng, plan, ordered)
    else:
        _journey(rng, plan, ordered, customer)
    return plan


def _items(rng: Random, *, gas: bool) -> list[Plan]:
    skus = [s for s in shop.products() if s not in NOT_DRAWN and (gas or s != "FH-GAS-230")]
    chosen: list[str] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        chosen.append(rng.choice([sku for sku in skus if sku not in chosen]))
    return [_item(rng, sku) for sku in chosen]


def _item(rng: Random, sku: str) -> Plan:
    product = shop.products()[sku]
    item: Plan = {"sku": sku}
    for one, many in (("size", "sizes"), ("colour", "colours")):
        if many in product:
            item[one] = rng.choice(product[many])
    if sku in SEVERAL:
        item["quantity"] = 1 + int(rng.random() * SEVERAL[sku])
    return item


def _discount(rng: Random, plan: Plan, customer: dict[str, Any]) -> None:
    """Now and then let a customer redeem points from last year."""
    worth = sum(shop.products()[item["sku"]]["unit price"] for item in plan["items"])
    if customer["points from 2025"] >= 400 and worth > 60 and rng.random() < 0.1:
        plan["discount"] = {"amount": rng.choice((5.0, 10.0)), "reason": "Trail Club voucher"}


def _collection(rng: Random, plan: Plan, ordered: date) -> None:
    ready = shop.working_days_after(ordered, 1)
    fetched = shop.working_days_after(ready, rng.choice((0, 1, 2, 4)))
    if ready > shop.TODAY:
        plan["status"] = "being packed"
    elif fetched > shop.TODAY:
        plan |= {"status": "ready to collect", "ready": ready.isoformat()}
    else:
        plan |= {"status": "collected", "ready": ready.isoformat()}
        plan["handed over"] = fetched.isoformat()


def _journey(rng: Random, plan: Plan, ordered: date, customer: dict[str, Any]) -> None:
    service = shop.region(customer).services[plan["method"]]
    shipped = shop.working_days_after(ordered, 1)
    if shipped > shop.TODAY:
        plan["status"] = "being packed"
    elif rng.random() < 0.03 and customer["payment method"] != "PayPal":
        _cancel(plan, ordered)
    else:
        first, last = service.days
        days = rng.choice(range(first, last + 1))
        _send(plan, shipped, shop.working_days_after(shipped, days))
        if plan["status"] == "delivered" and "discount" not in plan:
            _maybe_return(rng, plan)


def _cancel(plan: Plan, ordered: date) -> None:
    """Cancel without a refund: cards are charged only when the parcel leaves (PayPal at once)."""
    plan |= {"status": "cancelled", "cancelled": ordered.isoformat()}
    plan["note"] = "Cancelled by the customer before it was sent. Nothing had been charged."


def _send(plan: Plan, shipped: date, delivered: date) -> None:
    there = delivered < shop.TODAY
    plan["status"] = "delivered" if there else "in transit"
    parcel = {"shipped": shipped.isoformat()}
    if there:
        parcel["delivered"] = delivered.isoformat()
    plan["parcels"] = [parcel]


def _maybe_return(rng: Random, plan: Plan) -> None:
    delivered = date.fromisoformat(plan["parcels"][0]["delivered"])
    candidates = list(_returnable(plan))
    requested = delivered + timedelta(days=rng.choice(range(2, 20)))
    received = shop.working_days_after(requested, 6)
    closed = shop.working_days_after(received, rng.choice((1, 2, 3)))
    if not candidates or rng.random() > 0.1 or closed >= shop.TODAY:
        return
    item, reasons = rng.choice(candidates)
    plan["returns"] = [{
        "sku": item["sku"], "type": "refund", "status": "refunded", "reason": rng.choice(reasons),
        "requested": requested.isoformat(), "received": received.isoformat(),
        "closed": closed.isoformat(),
    }]  # fmt: skip
    if len(plan["items"]) == 1:
        plan["status"] = "returned"


def _returnable(plan: Plan) -> Iterator[tuple[Plan, Sequence[str]]]:
    for item in plan["items"]:
        reasons = REASONS.get(shop.products()[item["sku"]]["category"])
        if reasons and item["sku"] not in SEVERAL:
            yield item, reasons
