"""Finders of personal data by its form: each reads a text once and yields spans of it."""

import re
from collections.abc import Callable, Iterator

Span = tuple[int, int]
Find = Callable[[str], Iterator[Span]]
# Replaces each character that another finder has taken.
TAKEN = "\x00"


def always(text: str) -> bool:
    return True


def every(
    pattern: str,
    holds: Callable[[str], bool] = always,
    flags: int = re.IGNORECASE,
    needs: str = "",
) -> Find:
    """Return a finder of all matches of the pattern, or of its group `value` if it has one.

    needs: a pattern that is searched first because it is fast; a text without it has no match.
    """
    form, needed = re.compile(pattern, flags), re.compile(needs, re.IGNORECASE)
    group = "value" if "value" in form.groupindex else 0

    def find(text: str) -> Iterator[Span]:
        if not needed.search(text):
            return iter(())
        return (match.span(group) for match in form.finditer(text) if holds(match[group]))

    return find


def together(*finders: Find) -> Find:
    def find(text: str) -> Iterator[Span]:
        return (span for finder in finders for span in finder(text))

    return find


def in_one_line(pattern: str) -> str:
    """Join a pattern that is written over several lines."""
    return "".join(map(str.strip, pattern.splitlines()))
