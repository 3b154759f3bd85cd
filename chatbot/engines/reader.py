"""The reader of this process: it finds the lines that answer."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from inference.reading.heads import Head, load
from inference.reading.reader import Reader
from inference.reading.reranker import Reranker

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "reading"
RERANKING = WEIGHTS.with_name("reranking")


def trained_here() -> Path:
    """Return the folder of the reranker that was trained on this site's test questions."""
    return Path(settings.DATA_DIR) / "reranking"


@lru_cache(maxsize=1)
def line_reader() -> Reader:
    return Reader(WEIGHTS)


@lru_cache(maxsize=1)
def reranker() -> Reranker:
    """Return this site's own reranker if there is one. A process reads it once, at its start."""
    own = trained_here()
    folder = own if (own / "manifest.json").exists() else RERANKING
    return Reranker(folder, WEIGHTS / "tokenizer.json")


@lru_cache(maxsize=1)
def heads() -> dict[str, Head]:
    """Return the small classifiers on the reader's vectors."""
    return load(WEIGHTS / "heads.npz", line_reader().name)
