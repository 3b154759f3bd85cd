"""Order, parcel and return records, made from the plans."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from crm.demo import plans, shop
from crm.demo.plans import Plan

METHODS = {
    "standard": "Standard delivery",
    "express": "Express delivery",
    "collect": "Collection in the shop in Westport",
    "e-mail": "By e-mail",
}
DATED = ("ordered", "ready", "handed over", "cancelled", "date", "shipped", "delivered",
         "requested", "received", "closed")  # fmt: skip


def records() -> Iterator[dict[str, Any]]:
    for plan in plans.all_plans():
        yield order_record(plan)
        for index in range(1, len(plan.get("parcels", ())) + 1):
            yield parcel_record(plan, index)
        for index in range(1, len(plan.get("returns", ())) + 1):
            yield return_record(plan, index)


def order_record(plan: Plan) -> dict[str, Any]:
    day = shop.plain_date(date.fromisoformat(plan["ordered"]))
    return shop.record(
        f"order:{plan['number']}",
        "order",
        plan["customer"],
        f"Order {plan['number']}",
        f"Order {plan['number']} of {day}, {plan['status']}: {plans.contents(plan)}.",
        {
            "order number": str(plan["number"]),
            "order date": plan["ordered"],
            "status": plan["status"],
            "items": [plans.item_fields(item) for item in plan["items"]],
            **_money(plan),
            **_journey(plan),
            **_afterwards(plan),
            "ship to": plans.ship_to(plan),
            "note": plan.get("note"),
        },
        _changed(plan),
    )


def _money(plan: Plan) -> dict[str, Any]:
    return {
        "subtotal": shop.euros(plans.subtotal(plan)),
        "discount": shop.euros(plans.discount(plan)),
        "discount reason": plan.get("discount", {}).get("reason"),
        "delivery cost": shop.euros(plans.delivery(plan)),
        "total": shop.euros(plans.goods(plan) + plans.delivery(plan)),
        "currency": "EUR",
        "payment method": plans.payment(plan),
    }


def _journey(plan: Plan) -> dict[str, Any]:
    parcels, collected = plans.first_parcels(plan), plans.method(plan) == "collect"
    numbers = [plans.tracking_number(plan, n) for n in range(1, len(parcels) + 1)]
    return {
        "delivery method": METHODS[plans.method(plan)],
        "carrier": shop.region(plans.customer(plan)).carrier if parcels else None,
        "shipped date": parcels[0]["shipped"] if parcels else None,
        "ships from": plan.get("ships"),
        "expected delivery": plans.expected_delivery(plan),
        "ready to collect since": plan.get("ready"),
        "collected date" if collected else "delivered date": plans.delivered_date(plan),
        "tracking number": ", ".join(numbers) or None,
    }


def _afterwards(plan: Plan) -> dict[str, Any]:
    refund, invoiced = plan.get("refund", {}), "parcels" in plan or "handed over" in plan
    returns = [plans.return_number(plan, n) for n in range(1, len(plan.get("returns", ())) + 1)]
    return {
        "cancelled date": plan.get("cancelled"),
        "refund amount": refund.get("amount"),
        "refund date": refund.get("date"),
        "refund reason": refund.get("reason"),
        "return number": ", ".join(returns) or None,
        "invoice number": f"INV-2026-{plan['number']}" if invoiced else None,
    }


def _changed(plan: Plan) -> date:
    """Return the latest date in the order, its parcels and its returns."""
    entries = [plan, plan.get("refund", {}), *plan.get("parcels", ()), *plan.get("returns", ())]
    return plans.last_change(*(entry.get(name) for entry in entries for name in DATED))


def parcel_record(plan: Plan, index: int) -> dict[str, Any]:
    parcel, number = plan["parcels"][index - 1], plans.tracking_number(plan, index)
    status, lines = plans.parcel_status(parcel), plans.history(plan, parcel)
    return shop.record(
        f"parcel:{number}",
        "parcel",
        plan["customer"],
        f"Parcel {number}",
        f"Parcel {number} of order {plan['number']} is {status}.",
        {
            "tracking number": number,
            "order number": str(plan["number"]),
            "purpose": parcel.get("purpose"),
            "carrier": shop.region(plans.customer(plan)).carrier,
            "status": status,
            "contents": parcel.get("contents") or plans.contents(plan),
            "shipped date": parcel["shipped"],
            "expected delivery": plans.expected(plan, parcel["shipped"]).isoformat(),
            "delivered date": parcel.get("delivered"),
            "history": lines,
        },
        date.fromisoformat(lines[-1].partition(":")[0]),
    )


def return_record(plan: Plan, index: int) -> dict[str, Any]:
    returned, number = plan["returns"][index - 1], plans.return_number(plan, index)
    item = plans.item_of(plan, returned["sku"])
    refunded = returned["type"] == "refund" and returned["status"] != "refused"
    what, status = plans.described(item), returned["status"]
    return shop.record(
        f"return:{number}",
        "return",
        plan["customer"],
        f"Return {number}",
        f"Return {number} for order {plan['number']}, {what}: {status}.",
        {
            "return number": number,
            "order number": str(plan["number"]),
            "type": returned["type"],
            "status": status,
            "item": what,
            "quantity": item.get("quantity", 1),
            "reason": returned["reason"],
            "size wanted": returned.get("wanted"),
            "requested date": returned["requested"],
            "received date": returned.get("received"),
            **(_refund(plan, returned) if refunded else {"settled date": returned.get("closed")}),
            "ready by": returned.get("ready by"),
            "new parcel": _new_parcel(plan, returned),
            "note": returned.get("note"),
        },
        plans.last_change(returned["requested"], returned.get("received"), returned.get("closed")),
    )


def _refund(plan: Plan, returned: Plan) -> dict[str, Any]:
    received, closed = returned.get("received"), returned.get("closed")
    due = plans.refund_due(received) if received and not closed else None
    return {
        "return postage": shop.euros(plans.label_cost(plan, returned)),
        "refund amount": shop.euros(plans.refund_amount(plan, returned)),
        "refund method": plans.payment(plan),
        "refund due by": due.isoformat() if due else None,
        "refund date": closed,
    }


def _new_parcel(plan: Plan, returned: Plan) -> str | None:
    """Return the tracking number of the exchange, the replacement or the goods sent back."""
    return plans.tracking_number(plan, returned["parcel"]) if "parcel" in returned else None
