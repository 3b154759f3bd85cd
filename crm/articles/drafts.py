"""The drafts as search would find them, for people who try them out before they publish.

Drafts are never in the index: no customer's search can reach them.
"""

from functools import lru_cache

import numpy as np
from django.db.models import F, Max, Q, QuerySet
from numpy.typing import NDArray

from crm.knowledge import indexing, records
from crm.knowledge.search import Drafts, Unpublished
from crm.models import Article, Record

# Texts whose vectors are remembered: a test run asks hundreds of questions about the same drafts.
REMEMBERED = 2_000


def current() -> Drafts:
    """Return the working copies that customers are not told yet."""
    found = list(waiting())
    return Drafts(
        tuple(passage for article in found for passage in passages(article)),
        frozenset(article.record for article in found),
    )


def waiting() -> QuerySet[Article]:
    """Select the articles whose working copy customers are not told yet."""
    shown = Article.objects.exclude(state=Article.State.ARCHIVED)
    newest = shown.annotate(newest=Max("versions__number"))
    return newest.filter(Q(published=None) | ~Q(published=F("newest")))


def passages(article: Article) -> list[Unpublished]:
    texts = as_passages(article)
    return [
        Unpublished(article.record, article.kind, text, tuple(article.inboxes), vector(text))
        for text in texts
    ]


def as_passages(article: Article) -> list[str]:
    """Cut an article as search would, each passage beginning with its title."""
    record = Record(id=article.record, kind=article.kind, title=article.title, text=article.body)
    return records.passages(record)


@lru_cache(REMEMBERED)
def vector(text: str) -> NDArray[np.float32]:
    return indexing.encoder().encode([text])[0]
