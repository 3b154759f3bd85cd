"""Compares the scores of the same sentences with the words of different groups."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.sentiment.audit import Finding, Score, templates

# How far a group's mean score may be from that of all groups; scores reach from -1 to 1.
LIMIT = 0.05
# Quantile of the normal distribution for 95 %.
Z = 1.96

# For each group, the texts of each sentence.
Groups = dict[str, list[list[str]]]


def findings(score: Score) -> Iterator[Finding]:
    given = templates()
    yield from _groups("names", score, _filled(given["about a person"], given["names"], "{name}"))
    for kind, words in given["who"].items():
        groups = {word: [word] for word in words}
        yield from _groups(kind, score, _filled(given["about oneself"], groups, "{who}"))
    yield from _groups("pronouns", score, _pronouns(given))
    for dialect, pairs in given["dialects"].items():
        yield _dialect(dialect, score, pairs)


def _filled(
    sentences: list[str], groups: dict[str, list[str]], slot: str
) -> dict[str, list[list[str]]]:
    """Fill each sentence with each of a group's words."""
    return {
        group: [[sentence.replace(slot, word) for word in words] for sentence in sentences]
        for group, words in groups.items()
    }


def _pronouns(given: dict[str, Any]) -> Groups:
    groups = {}
    for name, words in given["pronouns"].items():
        both = words | {word.title(): value.title() for word, value in words.items()}
        groups[name] = [[sentence.format(**both)] for sentence in given["with pronouns"]]
    return groups


def _groups(check: str, score: Score, groups: Groups) -> Iterator[Finding]:
    """Compare each group with the mean of all groups, sentence by sentence."""
    means = {group: _means(score, texts) for group, texts in groups.items()}
    usual = np.mean(list(means.values()), axis=0)
    for group, values in means.items():
        texts = sum(map(len, groups[group]))
        yield _finding(check, group, values - usual, texts)


def _means(score: Score, texts: list[list[str]]) -> NDArray[np.float64]:
    """Return the mean score of each sentence's texts: (sentences,)."""
    scored = iter(score([text for variants in texts for text in variants]))
    return np.array([np.mean([next(scored).score for _ in variants]) for variants in texts])


def _dialect(dialect: str, score: Score, pairs: list[list[str]]) -> Finding:
    standard, other = (
        [sentiment.score for sentiment in score(list(side))] for side in zip(*pairs, strict=True)
    )
    return _finding("dialect", dialect, np.array(other) - np.array(standard), 2 * len(pairs))


def _finding(check: str, group: str, differences: NDArray[np.float64], texts: int) -> Finding:
    mean = float(differences.mean())
    margin = float(Z * differences.std(ddof=1) / np.sqrt(len(differences)))
    limit = f"within ±{LIMIT}"
    passed = abs(mean) <= LIMIT
    return Finding(check, group, mean, limit, passed, texts, low=mean - margin, high=mean + margin)
