"""Passages by meaning and by words: a snapshot on disk, and what changed since it in memory.

A scope is one customer, or SHARED. Rows of a scope lie next to each other, and each of the two
searches looks at that range before it ranks anything: isolated by construction.
"""

from inference.index.delta import Change, Changes
from inference.index.match import SHARED, Match, Query
from inference.index.reader import IndexReader, View
from inference.index.snapshot import (
    CorruptIndex,
    ForeignIndex,
    IndexUnavailable,
    Manifest,
    Snapshot,
)
from inference.index.writer import Row, write

__all__ = [
    "SHARED",
    "Change",
    "Changes",
    "CorruptIndex",
    "ForeignIndex",
    "IndexReader",
    "IndexUnavailable",
    "Manifest",
    "Match",
    "Query",
    "Row",
    "Snapshot",
    "View",
    "write",
]
