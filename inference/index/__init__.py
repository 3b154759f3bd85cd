"""Finds passages by meaning and by words, in a snapshot on disk and its later changes in memory.

A scope is one customer, or SHARED. The rows of a scope are adjacent, and both searches are
restricted to that range before they rank anything: customers are isolated by construction.
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
