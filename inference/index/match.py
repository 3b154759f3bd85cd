"""What is asked of the index, and what it answers."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import snowballstemmer
from numpy.typing import NDArray

from inference.remembered import remembered

Vector = NDArray[np.float32]

SHARED = ""
# How much a point of words counts beside the cosine: chosen on four sets of queries, on each of
# which both together find more than either alone (`manage.py evaluate retrieval`).
WORDS_WEIGH = 0.009
_stemmer = snowballstemmer.stemmer("english")


@dataclass(frozen=True)
class Match:
    """`meaning`: cosine. `words`: weighted BM25, 0 without a common word."""

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
    """Files on this machine, or a server."""

    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]:
        """The best passages of each scope, `limit` of each; best first."""


def terms(text: str) -> list[str]:
    """Stems in lower case without accents; "FH-TNT-210" is three of them."""
    split = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in split if not unicodedata.combining(character))
    return [_stem(word) if word.isalpha() else word for word in re.findall(r"[^\W_]+", plain)]


@remembered
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word))
