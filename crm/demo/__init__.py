"""Fernhill Outdoor, the invented shop of the demo: its knowledge, customers and orders."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from crm.demo import customers, knowledge, orders


def records() -> Iterator[dict[str, Any]]:
    """Yield every record of the demo company, the same in every process."""
    return chain(knowledge.articles(), knowledge.products(), customers.records(), orders.records())
