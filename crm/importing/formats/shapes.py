"""Defines the contents of files: tables, documents, and sentences about what could not be read."""

from dataclasses import dataclass, field
from typing import Any


class Unreadable(ValueError):
    """A file or a row that cannot be read; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Table:
    """A table of a file: a CSV file, a sheet, or a file of JSON lines."""

    # The file's name (in a ZIP: its path there), and ": Sheet" if the file has several tables.
    name: str
    # As they stand in the file; a name that is empty, or was there before, gets a number.
    columns: list[str]
    # The first rows that could be read, by column; fewer than SAMPLE if they are long.
    first: list[dict[str, Any]]
    # How many rows `rows` will yield, those that cannot be read included.
    count: int


@dataclass(frozen=True)
class Document:
    """An article, or one section of a long one."""

    # The file's name (in a ZIP: its path there), and "#heading" for a part of a file. No two
    # documents of a file have one name, and reading the file again gives the same names.
    name: str
    title: str
    # Markdown, without the title.
    body: str


@dataclass(frozen=True)
class Contents:
    """Everything that was found in a file."""

    tables: list[Table] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    # The name of a file or sheet that was not read, and a sentence that says why.
    errors: list[tuple[str, str]] = field(default_factory=list)
