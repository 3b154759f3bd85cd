"""The queries and the matches of the index."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.grounding.words import stem
from inference.text import without_accents

Vector = NDArray[np.float32]

SHARED = ""
# The weight of the words' score beside the cosine, chosen on four sets of queries; on each of them
# both signals together find more than either alone (`manage.py evaluate retrieval`).
WORDS_WEIGH = 0.009


@dataclass(frozen=True)
class Match:
    """A passage with its scores: `meaning` is the cosine, `words` the weighted BM25."""

    id: int
    meaning: float
    words: float

    @property
    def score(self) -> float:
        return self.meaning + WORDS_WEIGH * self.words


@dataclass(frozen=True)
class Query:
    text: str
    vector: Vector

    @cached_property
    def terms(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(terms(self.text)))


class Searchable(Protocol):
    """An index in files on this machine, or on a server."""

    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]:
        """Return the best `limit` passages of each scope, best first."""


def terms(text: str) -> list[str]:
    """Split into stems in lower case without accents; "FH-TNT-210" gives three."""
    plain = without_accents(text.casefold())
    return [stem(word) if word.isalpha() else word for word in re.findall(r"[^\W_]+", plain)]
