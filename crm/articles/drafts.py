"""The drafts as search would find them, for people who try them out before they publish.

Drafts are never in the index: no customer's search can reach them.
"""

from functools import lru_cache
from heapq import nlargest

import numpy as np
from django.db.models import F, Max, Q, QuerySet
from numpy.typing import NDArray

from crm.knowledge import indexing, passages
from crm.knowledge.search import Drafts, Unpublished
from crm.models import Article, Record
from inference.grounding import stems

# Passages that are remembered, which takes 50 MB: a test run asks hundreds of questions about the
# same drafts.
REMEMBERED = 20_000
# Passages that are compared by their meaning. To encode one takes some 20 ms (2026-11-29, two
# shared cores), and somebody may just have imported 500 articles as drafts.
COMPARED = 300


def current(about: str = "") -> Drafts:
    """Return the working copies that customers are not told yet; of very many passages, those that
    share the most words with `about`."""
    found = list(waiting())
    texts = [(article, text) for article in found for text in as_passages(article)]
    if len(texts) > COMPARED:
        wanted = stems(about)
        texts = nlargest(COMPARED, texts, key=lambda one: len(wanted & stems_of(one[1])))
    return Drafts(
        tuple(unpublished(article, text) for article, text in texts),
        frozenset(article.record for article in found),
    )


def waiting() -> QuerySet[Article]:
    """Select the articles whose working copy customers are not told yet."""
    shown = Article.objects.exclude(state=Article.State.ARCHIVED)
    newest = shown.annotate(newest=Max("versions__number"))
    return newest.filter(Q(published=None) | ~Q(published=F("newest")))


def unpublished(article: Article, text: str) -> Unpublished:
    return Unpublished(article.record, article.kind, text, tuple(article.inboxes), vector(text))


def as_passages(article: Article) -> list[str]:
    """Cut an article as search would, each passage beginning with its title."""
    return list(cut(article.record, article.kind, article.title, article.body))


@lru_cache(REMEMBERED)
def cut(id: str, kind: str, title: str, body: str) -> tuple[str, ...]:
    return tuple(passages.passages(Record(id=id, kind=kind, title=title, text=body)))


@lru_cache(REMEMBERED)
def stems_of(text: str) -> frozenset[str]:
    return frozenset(stems(text))


@lru_cache(REMEMBERED)
def vector(text: str) -> NDArray[np.float32]:
    return indexing.encoder().encode([text])[0]
