"""Finding what has a form: each finder goes through a text once and names places in it."""

import re
from collections.abc import Callable, Iterator

Span = tuple[int, int]
Find = Callable[[str], Iterator[Span]]
# Stands where something was taken.
TAKEN = "\x00"


def always(text: str) -> bool:
    return True


def every(
    pattern: str,
    holds: Callable[[str], bool] = always,
    flags: int = re.IGNORECASE,
    needs: str = "",
) -> Find:
    """Of the group `value`, where the pattern has one. needs: what is quickly looked for first; a
    text without it has none."""
    form, needed = re.compile(pattern, flags), re.compile(needs, re.IGNORECASE)
    group = "value" if "value" in form.groupindex else 0

    def find(text: str) -> Iterator[Span]:
        if not needed.search(text):
            return iter(())
        return (found.span(group) for found in form.finditer(text) if holds(found[group]))

    return find


def together(*finders: Find) -> Find:
    def find(text: str) -> Iterator[Span]:
        return (span for one in finders for span in one(text))

    return find


def in_one_line(pattern: str) -> str:
    """Written over several."""
    return "".join(map(str.strip, pattern.splitlines()))
