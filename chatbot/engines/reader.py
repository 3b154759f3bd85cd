"""The reader of this process: it finds the lines that answer."""

from functools import lru_cache

from django.conf import settings

from inference.reading.heads import Head, load
from inference.reading.reader import Reader
from inference.reading.reranker import Reranker

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "reading"
RERANKING = WEIGHTS.with_name("reranking")


@lru_cache(maxsize=1)
def line_reader() -> Reader:
    return Reader(WEIGHTS)


@lru_cache(maxsize=1)
def reranker() -> Reranker:
    return Reranker(RERANKING, WEIGHTS / "tokenizer.json")


@lru_cache(maxsize=1)
def heads() -> dict[str, Head]:
    """Return the small classifiers on the reader's vectors."""
    return load(WEIGHTS / "heads.npz", line_reader().name)
