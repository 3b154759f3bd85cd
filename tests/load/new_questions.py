"""Makes questions to the demo shop, no two alike, so that no cache of texts can answer them."""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, cycle

from crm.demo import orders, shop

# Questions by the kind of a record and its field.
OWN = {
    ("order", "status"): "what is the status of {}?",
    ("order", "total"): "what was the total of {}?",
    ("order", "payment method"): "with which payment method did I pay {}?",
    ("order", "expected delivery"): "when is the expected delivery of {}?",
    ("order", "carrier"): "who is the carrier of {}?",
    ("order", "shipped date"): "when was {} shipped?",
    ("order", "invoice number"): "what is the invoice number of {}?",
    ("order", "delivery cost"): "how much was the delivery cost of {}?",
    ("parcel", "status"): "what is the status of {}?",
    ("parcel", "contents"): "what are the contents of {}?",
    ("parcel", "shipped date"): "on what day was {} shipped?",
}
PRODUCTS = {
    "unit price": "what is the unit price of the {}?",
    "weight": "what is the weight of the {}?",
    "materials": "which materials is the {} made of?",
    "warranty": "how long is the warranty of the {}?",
    "colours": "which colours are there of the {}?",
    "care": "how do I care for the {}?",
}
ABSENT = ("who designed the {}?", "is the {} sold in Japan?", "does the {} glow in the dark?")


@dataclass(frozen=True)
class Talk:
    """The questions of one customer, one after another."""

    customer: str
    texts: tuple[str, ...]


def talks(customers: int, turns: int, seed: int = 1) -> list[Talk]:
    """Return the questions of each customer: of five, two are about the customer's own records, one
    is about a product, one about an article, and one has no answer."""
    draw, people = random.Random(seed), cycle(owners())
    sources = {customer: never_twice(own(customer), draw) for customer in owners()}
    product, article, absent = (
        never_twice(texts, draw) for texts in (products(), articles(), without_answer())
    )
    made = []
    for customer, _ in zip(people, range(customers), strict=False):
        mine = sources[customer]
        order = cycle((mine, product, mine, article, absent))
        made.append(Talk(customer, tuple(next(next(order)) for _ in range(turns))))
    return made


def shared(seed: int = 1) -> Iterator[str]:
    """Yield questions that anybody may ask: about products and articles, one of five without an
    answer."""
    draw = random.Random(seed)
    product, article = never_twice(products(), draw), never_twice(articles(), draw)
    absent = never_twice(without_answer(), draw)
    for source in cycle((product, article, product, article, absent)):
        yield next(source)


def never_twice(texts: Iterable[str], draw: random.Random) -> Iterator[str]:
    """Yield the texts in any order; then again, each time with another name before them."""
    kept = sorted(set(texts))
    for time in count():
        draw.shuffle(kept)
        for text in kept:
            yield f"Hello, this is {name(draw)}, {text}" if time else text


def name(draw: random.Random) -> str:
    return "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=7)).capitalize()


@cache
def owners() -> tuple[str, ...]:
    return tuple(sorted(all_own()))


def own(customer: str) -> list[str]:
    return all_own()[customer]


@cache
def all_own() -> dict[str, list[str]]:
    found = defaultdict(list)
    for record in orders.records():
        for (kind, field), text in OWN.items():
            if kind == record["kind"] and field in record["fields"]:
                found[record["customer"]].append(text.format(record["title"].lower()))
    return found


def products() -> list[str]:
    return [
        text.format(product["name"])
        for product in shop.products().values()
        for field, text in PRODUCTS.items()
        if field in product
    ]


def articles() -> list[str]:
    return of_the_evaluation("shared")


def without_answer() -> list[str]:
    named = [text.format(one["name"]) for one in shop.products().values() for text in ABSENT]
    return [*named, *of_the_evaluation("not-on-record")]


def of_the_evaluation(kind: str) -> list[str]:
    lines = (shop.FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, lines)
    return [row["question"] for row in rows if row["kind"] == kind and row["customer"] is None]
