"""Alice's records of any trade, and what is told of them."""

from datetime import date

from django.utils import timezone

from chatbot.reply.lookup import look_up
from chatbot.reply.turn import Turn
from crm.models import Customer, Record

TODAY = date(2026, 11, 29)


def keep(customer: Customer, id: str, kind: str, **fields: object) -> Record:
    title = f"{kind.capitalize()} {id.split(':')[1]}"
    return Record.objects.create(
        id=id, kind=kind, customer=customer, title=title, fields=fields, updated_at=timezone.now()
    )


def lessons(customer: Customer) -> None:
    for number, day, status in (
        (1, "2026-10-02", "completed"),
        (2, "2026-11-20", "completed"),
        (3, "2026-12-04", "booked"),
        (4, "2026-12-11", "booked"),
    ):
        keep(
            customer, f"lesson:L-{number}", "lesson", date=day, status=status, price="GBP 41.50"
        )  # fmt: skip


def told(text: str, customer: str | None = "cust_1") -> str:
    found = look_up(Turn(text, customer, today=TODAY))
    return " ".join(found.sentences) if found else ""
