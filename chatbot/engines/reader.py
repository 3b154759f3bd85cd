"""The reader of this process: it finds the lines that answer."""

import logging
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from inference.models import catalogue
from inference.models.catalogue import ModelMissing
from inference.reading.heads import Head, load
from inference.reading.reader import Reader
from inference.reading.reranker import LargeReranker, Pairs, Reranker

logger = logging.getLogger(__name__)
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
    able = Reranker(folder, WEIGHTS / "tokenizer.json", large_reranker())
    if large_reranker() and not able.has_large:
        logger.warning(
            "This site's reranker was not trained with the installed large reranker, so it ranks "
            "alone. Type: manage.py reading_train --from-cases"
        )
    return able


@lru_cache(maxsize=1)
def large_reranker() -> LargeReranker | None:
    """Return the large reranker; None if this machine has not fetched it."""
    try:
        folder = catalogue.located("large-reranker")
    except ModelMissing as error:
        logger.info("%s Until then, the small reranker ranks alone.", error)
        return None
    graph = catalogue.models_dir() / catalogue.find("large-reranker").made[0]
    scores = Pairs(graph, folder / "tokenizer.json").scores
    return LargeReranker(catalogue.LARGE_RERANKER, scores)


@lru_cache(maxsize=1)
def heads() -> dict[str, Head]:
    """Return the small classifiers on the reader's vectors."""
    return load(WEIGHTS / "heads.npz", line_reader().name)
