"""Generates passages like a CRM's, any number and the same each time, for measuring speed.

40 % are shared (products, articles); the rest belongs to customers with 5 to 200 passages, most
with few. A passage's vector lies between those of two real texts of its kind, with some noise: real
vectors form overlapping clusters, and these decide how much an index finds.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
from numpy.typing import NDArray

from inference.encoder import Encoder
from inference.index import SHARED, Query, Row

SHARED_PART = 0.4
SMALLEST, LARGEST = 5, 200
# Number of real texts of each kind that are encoded.
TEXTS = 1_500
# Length of the noise that is added to a unit vector: a passage keeps a cosine of 0.93 with its
# vector without noise, a question one of 0.82 with its passage.
NOISE, ASKED_NOISE = 0.4, 0.7

ORDER = (
    "Order {number}. Status: {status}. Ordered on {date}, {paid}. Shipped date: "
    "{later}. Carrier: {carrier}, tracking number {code}. Items: {count} {product}, "
    "{colour}, article number {sku}; 1 {other}. Total: € {price}. To {house} {street}, {zip} "
    "{city}."
)
TICKET = (
    "Case {number} of {date}: {problem}. {product}, {colour}, article number {sku}, bought on "
    "{later} and {paid}. {outcome}. {name} in {city} looks after it."
)
PRODUCT = (
    "{colour} {product}, article number {sku}, of {material}. Price: € {price}, {count} in stock, "
    "{weight} g. Good for {use}. Made in {city}. Goes with: {other}. Guarantee: {years} years."
)
ARTICLE = (
    "{problem}: what to do. For the {product} and the {other} of {material}, {use}. {outcome}. "
    "Write to {name} in {city} within {count} days. Valid from {date}."
)
WORDS = {
    "status": "shipped|delivered|in the warehouse|waiting for payment|sent back|cancelled",
    "paid": "paid by card|paid by bank transfer|paid with a gift card|to be paid on delivery",
    "carrier": "Atlantic Parcels|Swift Parcel|Harbour Freight|Kite Couriers|Northern Post|Blue Van",
    "product": "trail tent|rain jacket|camping stove|hiking boot|head torch|sleeping bag|kayak|"
    "water filter|climbing rope|folding chair|travel mug|wool sock|trekking pole|dry bag|compass",
    "other": "spare peg|gas cartridge|repair kit|carry bag|battery|waterproof spray|paddle|strap",
    "colour": "green|red|navy blue|black|grey|orange|sand|white|turquoise|yellow",
    "material": "recycled nylon|merino wool|steel|titanium|cotton|aluminium|bamboo|rubber",
    "use": "winter nights|long walks|families|wet weather|small rucksacks|the first tour|the coast",
    "problem": "The zip is stuck|The parcel has not arrived|One piece is missing|It does not fit|"
    "The colour is another one|It was charged twice|It leaks|The discount was not taken off",
    "outcome": "The money goes back within 5 working days|A new one is on its way|The shop repairs "
    "it for nothing|We wait for a photo|A voucher was sent|The customer sends it back",
    "street": "Mill Lane|Park Avenue|Harbour Street|Station Road|Rue du Port|Bergstraße|Via Roma",
    "city": "Graz|Leeds|Denver|Lyon|Porto|Aarhus|Ghent|Turku|Cork|Basel|Bergen|Tartu|Bath|Kiel",
    "name": "Alice|Bob|Charlie|Dana|Erik|Farah|Gita|Hugo|Ines|Jonas|Kaya|Lena|Milan|Nora|Omar",
}
CHOICES = {name: words.split("|") for name, words in WORDS.items()}
MONTHS = "January March April May June July August September October November".split()

Vectors = NDArray[np.float32]


def shared_text(random: Random) -> str:
    return random.choice((PRODUCT, ARTICLE)).format_map(_fields(random))


def customer_text(random: Random) -> str:
    return random.choice((ORDER, ORDER, TICKET)).format_map(_fields(random))


def _fields(random: Random) -> dict[str, object]:
    dates = [f"{random.randint(1, 28)} {random.choice(MONTHS)} 2026" for _ in range(2)]
    return {
        **{name: random.choice(words) for name, words in CHOICES.items()},
        "number": random.randint(1_000_000, 9_999_999),
        "code": f"AP{random.randint(10**8, 10**9)}GB",
        "sku": f"FH-{random.choice('ABCDEFGHKLMNPRST')}{random.randint(100, 9_999)}",
        "price": f"{random.randint(3, 900)}.{random.randint(0, 99):02}",
        "zip": random.randint(10_000, 99_999),
        "house": random.randint(1, 200),
        "weight": random.randint(5, 150) * 20,
        "years": random.randint(1, 5),
        "count": random.randint(1, 30),
        "date": dates[0],
        "later": dates[1],
    }


@dataclass(frozen=True)
class Kinds:
    """Centres of the vectors of shared and of customers' passages, (TEXTS, dimension) each."""

    shared: Vectors
    customers: Vectors

    @classmethod
    def encoded(cls, encoder: Encoder) -> "Kinds":
        return cls(*(encoder.encode(_texts(write)) for write in (shared_text, customer_text)))

    @classmethod
    def drawn(cls, dimension: int) -> "Kinds":
        """Draw the centres at random, without an encoder."""
        random = np.random.default_rng(1)
        return cls(*(unit(random.normal(size=(TEXTS, dimension))) for _ in range(2)))


def _texts(write: Callable[[Random], str]) -> list[str]:
    random = Random(1)
    return [write(random) for _ in range(TEXTS)]


class Corpus:
    """Rows 0 to `count`, the shared ones first, each customer's adjacent."""

    def __init__(self, count: int, kinds: Kinds) -> None:
        self.count, self.kinds = count, kinds
        self.shared = round(SHARED_PART * count)

    def rows(self) -> Iterator[Row]:
        return map(self.row, range(self.count))

    def row(self, number: int) -> Row:
        random, noise = Random(number), np.random.default_rng(number)
        if number < self.shared:
            near, text, scope = self.kinds.shared, shared_text(random), SHARED
        else:
            near, text, scope = self.kinds.customers, customer_text(random), self.scope(number)
        return Row(number, scope, text, noisy(between(near, random), NOISE, noise))

    def scope(self, number: int) -> str:
        return f"cust_{bisect_right(self.starts, number)}"

    @cached_property
    def starts(self) -> list[int]:
        """The first row of each customer."""
        random, starts, start = Random(2), [], self.shared
        while start < self.count:
            starts.append(start)
            start += round(SMALLEST * (LARGEST / SMALLEST) ** (random.random() ** 3))
        return starts

    def asked(self, number: int) -> Query:
        """Return a question about this row: its words, and a vector near its own."""
        row = self.row(number)
        return Query(row.text, noisy(row.vector, ASKED_NOISE, np.random.default_rng([number, 1])))


def between(vectors: Vectors, random: Random) -> Vectors:
    first, second = random.sample(range(TEXTS), 2)
    share = random.random()
    return unit(share * vectors[first] + (1 - share) * vectors[second])


def noisy(vector: Vectors, length: float, random: np.random.Generator) -> Vectors:
    noise = random.standard_normal(len(vector), dtype=np.float32)
    return unit(vector + noise * np.float32(length / len(vector) ** 0.5))


def unit(vectors: NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
