"""The changes since the snapshot: added and deleted passages, in memory, by scope."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from inference.index.match import Match, Query, Vector, terms
from inference.index.words import Words


@dataclass(frozen=True)
class Change:
    """A passage that was added or, if text is None, deleted.

    Until it has a vector, only its words find it.
    """

    id: int
    scope: str
    text: str | None = None
    vector: Vector | None = None


@dataclass(frozen=True)
class Changes:
    """All changes after some count, and the count that they lead to."""

    upto: int
    changes: Iterable[Change] = ()


@dataclass(frozen=True)
class _Added:
    terms: Counter[str]
    vector: Vector | None


@dataclass
class Delta:
    """Changes in memory. It must stay small: a search looks at each passage of its scope."""

    upto: int
    _added: dict[str, dict[int, _Added]] = field(default_factory=dict)
    _gone: dict[str, set[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        parts = [*self._added.values(), *self._gone.values()]
        return sum(map(len, parts))

    def take(self, changes: Changes) -> None:
        for change in changes.changes:
            added = self._added.setdefault(change.scope, {})
            if change.text is None:
                added.pop(change.id, None)
                self._gone.setdefault(change.scope, set()).add(change.id)
            else:
                added[change.id] = _Added(Counter(terms(change.text)), change.vector)
        self.upto = changes.upto

    def gone(self, scope: str) -> set[int]:
        return self._gone.get(scope, set())

    def holds(self, scope: str) -> set[int]:
        """Return the passages whose state here replaces that in the snapshot."""
        return self.gone(scope) | set(self._added.get(scope, ()))

    def search(self, query: Query, scope: str, words: Words) -> list[Match]:
        return [
            Match(
                passage,
                0.0 if added.vector is None else float(np.dot(added.vector, query.vector)),
                _words(added, query.terms, words),
            )
            for passage, added in list(self._added.get(scope, {}).items())
        ]


def _words(added: _Added, wanted: Iterable[str], words: Words) -> float:
    length = added.terms.total()
    return sum(
        words.weight(term, added.terms[term], length) * words.emphasis(term)
        for term in wanted
        if term in added.terms
    )
