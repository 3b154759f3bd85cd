"""Groups questions by what they mean.

A gap keeps its identity, its article and its state from run to run: only new questions are
clustered, and each cluster joins the gap that is near enough, or becomes a gap.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max, QuerySet
from numpy.typing import NDArray

from chatbot.models import Gap, GapQuestion, Message
from crm.knowledge import indexing

# The mean cosine between the questions of two groups from which they are one. By it, 60 questions
# about 15 subjects of three companies (tests/chatbot/gaps/questions.py) fall into groups with an
# adjusted Rand index of 0.77 (mean of the companies), and of 0.68 all together; if they arrive in
# turn, 0.68 and 0.62. At 0.30 it is 0.77 and 0.66, at 0.40 it is 0.67 and 0.64. HDBSCAN reaches
# 0.63 and 0.63 and leaves questions out; complete linkage reaches 0.76 and 0.75, but lets no
# question into a large group in which it is far from a single one. (2026-11-29, all-MiniLM-L6-v2)
NEAR = 0.35
# The questions that are compared with each other in one run: 5,000 take 300 MB for their distances.
# As many of those that have a gap, the newest, say what the gaps are about.
MOST = 5_000
# Questions encoded at a time.
ENCODED = 64

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Questions:
    """Ids, the gap of each, and unit vectors as rows."""

    ids: list[int]
    gaps: list[int | None]
    vectors: Vectors


def group() -> None:
    """Put each question that has no gap into one."""
    encode()
    new = newest(GapQuestion.objects.filter(gap=None))
    if not new.ids:
        return
    known = means(newest(GapQuestion.objects.exclude(gap=None)))
    for members in clusters(new.vectors):
        put([new.ids[row] for row in members], nearest(new.vectors[members].mean(axis=0), known))


def encode() -> None:
    """Encode the questions that this encoder has not encoded yet."""
    name = indexing.encoder().name
    missing = GapQuestion.objects.exclude(encoder=name).order_by("-at")
    for ids in indexing.batched(list(missing.values_list("id", flat=True)[:MOST]), ENCODED):
        with transaction.atomic():
            # Locked before the texts are read: a conversation that is redacted meanwhile empties
            # the vectors afterwards.
            locked = list(GapQuestion.objects.select_for_update().filter(id__in=ids))
            texts = Message.objects.in_bulk([question.message_id for question in locked])
            vectors = indexing.encoder().encode([texts[one.message_id].text for one in locked])
            for question, vector in zip(locked, vectors, strict=True):
                question.vector, question.encoder = vector.tobytes(), name
            GapQuestion.objects.bulk_update(locked, ["vector", "encoder"])


def newest(questions: QuerySet[GapQuestion]) -> Questions:
    encoded = questions.filter(encoder=indexing.encoder().name).order_by("-at", "-id")
    rows = list(encoded.values_list("id", "gap_id", "vector")[:MOST])
    vectors = np.frombuffer(b"".join(bytes(vector) for _, _, vector in rows), np.float32)
    return Questions(
        [id for id, _, _ in rows],
        [gap for _, gap, _ in rows],
        vectors.reshape(len(rows), indexing.encoder().dimension),
    )


def means(questions: Questions) -> dict[int, Vectors]:
    """Return the mean of each gap's vectors. It is left shorter than a unit vector: then its inner
    product with another mean is the mean cosine between the questions of both."""
    rows: dict[Any, list[int]] = defaultdict(list)
    for row, gap in enumerate(questions.gaps):
        rows[gap].append(row)
    return {gap: questions.vectors[members].mean(axis=0) for gap, members in rows.items()}


def nearest(mean: Vectors, gaps: dict[int, Vectors]) -> int | None:
    """Return the nearest of the gaps, if it is near enough."""
    best = max(gaps, key=lambda gap: float(gaps[gap] @ mean), default=None)
    return best if best is not None and float(gaps[best] @ mean) >= NEAR else None


def clusters(vectors: Vectors) -> Iterator[list[int]]:
    """Yield the rows of each group of vectors with one meaning; a row may be alone."""
    if len(vectors) == 1:
        yield [0]
        return
    # Heavy, and wanted in the worker only.
    from sklearn.cluster import AgglomerativeClustering

    clustering = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - NEAR
    )
    labels = clustering.fit_predict(vectors)
    order = np.argsort(labels, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        yield rows.tolist()


@transaction.atomic
def put(questions: Iterable[int], into: int | None) -> None:
    """Put questions into a gap, or into a new one. Those that another run has put into one
    meanwhile stay there. A gap that was closed before one of them was asked opens again."""
    gap = (into and Gap.objects.filter(id=into).first()) or Gap.objects.create()
    mine = GapQuestion.objects.filter(id__in=questions, gap=None)
    latest = mine.aggregate(at=Max("at"))["at"]
    if mine.update(gap=gap):
        closed = Gap.objects.filter(id=gap.id, state=Gap.State.CLOSED, closed_at__lt=latest)
        closed.update(state=Gap.State.OPEN, closed_at=None)
        # Another question may stand in the middle now.
        Gap.objects.filter(id=gap.id).update(label="")
