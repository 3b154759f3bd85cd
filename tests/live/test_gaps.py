"""How well the encoder groups questions without an answer: 60 of them, by hand, of three companies.

The floors are a little below what was measured when grouping.NEAR was chosen.
"""

import random
from statistics import mean

import numpy as np
import pytest

from chatbot.gaps import grouping
from crm.knowledge import indexing
from inference.models.catalogue import ModelMissing, located
from tests.chatbot.gaps.questions import COMPANIES, labelled

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def encoder() -> None:
    try:
        located("encoder")
    except ModelMissing as error:
        pytest.skip(str(error))


def rand_index(groups: list[list[int]], subjects: list[str]) -> float:
    """Return the adjusted Rand index: 1 if the groups are the subjects, about 0 if by chance."""
    from sklearn.metrics import adjusted_rand_score

    labels = np.zeros(len(subjects), int)
    for label, rows in enumerate(groups):
        labels[rows] = label
    return float(adjusted_rand_score(subjects, labels))


def in_turn(vectors: np.ndarray, chance: random.Random) -> list[list[int]]:
    """Group the questions one after the other, as they come in."""
    rows = list(range(len(vectors)))
    chance.shuffle(rows)
    gaps: dict[int, list[int]] = {}
    for row in rows:
        means = {gap: vectors[members].mean(axis=0) for gap, members in gaps.items()}
        gap = grouping.nearest(vectors[row], means)
        gaps.setdefault(len(gaps) if gap is None else gap, []).append(row)
    return list(gaps.values())


def test_questions_fall_into_the_subjects_that_a_person_sees() -> None:
    together, by_turns = [], []
    for company in COMPANIES.values():
        questions, subjects = zip(*labelled(company), strict=True)
        vectors = indexing.encoder().encode(questions)
        together.append(rand_index(list(grouping.clusters(vectors)), list(subjects)))
        found = (rand_index(in_turn(vectors, random.Random(n)), list(subjects)) for n in range(20))
        by_turns.append(mean(found))
    assert mean(together) > 0.72, together
    assert mean(by_turns) > 0.62, by_turns
