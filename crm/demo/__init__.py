"""Fernhill Outdoor, the invented shop of the demo: its knowledge, customers and orders."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from typing import Any

from crm.demo import customers, knowledge, moving, orders, shop


def records(day: date | None = None) -> Iterator[dict[str, Any]]:
    """Yield every record of the demo company, the same in every process; with the dates moved as
    if it were that day. The articles' dates stay: they are of every year."""
    by = moving.until(day) if day else timedelta()
    yield from knowledge.articles()
    for record in chain(knowledge.products(), customers.records(), orders.records()):
        yield moving.moved(record, by)


def questions(day: date) -> Iterator[dict[str, Any]]:
    """Yield the questions of the evaluation on that day, as `evaluate answers` takes them."""
    by = moving.until(day)
    for line in (shop.FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        yield moving.moved(json.loads(line), by) | {"today": (shop.TODAY + by).isoformat()}
