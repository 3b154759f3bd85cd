"""Reads the index: the current snapshot, and the changes since from the database."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from inference.index.delta import Changes, Delta
from inference.index.match import Match, Query
from inference.index.snapshot import (
    CorruptIndex,
    ForeignIndex,
    IndexUnavailable,
    Snapshot,
    current,
    opened,
)

logger = logging.getLogger("attune.index")

# Called with a count of changes; returns the changes after it.
ChangesSince = Callable[[int], Changes]
# Called with a snapshot's mark and count of changes; returns why it is not this database's, or "".
Foreign = Callable[[str, int], str]


@dataclass(frozen=True)
class View:
    """The index at one moment."""

    snapshot: Snapshot
    delta: Delta

    def search(self, query: Query, scopes: list[str], limit: int) -> list[Match]:
        """Return the best `limit` passages of each scope, best first."""
        matches = [match for scope in scopes for match in self._search(query, scope, limit)]
        return sorted(matches, key=lambda match: -match.score)

    def _search(self, query: Query, scope: str, limit: int) -> list[Match]:
        newer = self.delta.holds(scope)
        # Deleted passages must not take the places of others.
        stored = self.snapshot.search(query, scope, limit + len(newer))
        matches = [match for match in stored if match.id not in newer]
        matches += self.delta.search(query, scope, self.snapshot.words)
        return sorted(matches, key=lambda match: -match.score)[:limit]


class IndexReader:
    """Reads the index. Thread-safe; switches to a new snapshot while searches use the old one."""

    def __init__(
        self,
        root: Path,
        encoder: str,
        changes: ChangesSince,
        foreign: Foreign = lambda mark, changes: "",
    ) -> None:
        self.root, self.encoder = root, encoder
        self._changes, self._foreign = changes, foreign
        self._lock = threading.Lock()
        self._view: View | None = None

    def view(self) -> View:
        """Return the current snapshot with all changes until now."""
        with self._lock:
            self._view = self._current()
            changes = self._changes(self._view.delta.upto)
            if changes.upto < self._view.delta.upto:
                # An older database was restored while this process was running.
                self._view = None
                self._view = self._current()
                changes = self._changes(self._view.delta.upto)
            self._view.delta.take(changes)
            return self._view

    def _current(self) -> View:
        name = current(self.root)
        if name is None:
            raise IndexUnavailable("There is no index yet. Type: manage.py index build")
        if self._view and self._view.snapshot.folder.name == name:
            return self._view
        snapshot = self._opened(name)
        return View(snapshot, Delta(snapshot.manifest.changes))

    def _opened(self, name: str) -> Snapshot:
        try:
            snapshot = opened(self.root / name)
        except CorruptIndex:
            newer = current(self.root)
            if newer in {name, None}:
                raise
            # Two newer snapshots were written while this one was being opened, and it was deleted.
            return self._opened(str(newer))
        if snapshot.manifest.encoder != self.encoder:
            raise IndexUnavailable(
                f"The index was made with the encoder {snapshot.manifest.encoder}, not with "
                f"{self.encoder}. Type: manage.py index build"
            )
        manifest = snapshot.manifest
        if why := self._foreign(manifest.mark, manifest.changes):
            raise ForeignIndex(why)
        logger.info("index %s opened: %s passages", name, f"{snapshot.manifest.rows:,}")
        return snapshot
