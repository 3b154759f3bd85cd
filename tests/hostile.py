"""Hostile texts for a pattern, made from the pattern itself, and the work that they cause.

A pattern of Python's `re` tries again from each place of the text, and in each way in which its
repetitions allow. So the texts begin as it begins, go on with what it repeats, over and over, and
never end as it ends.
"""

import re
import signal
import time
from collections.abc import Callable, Iterator
from re import _constants as names  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

# Numbers of characters. From one to the next the work may grow as they do, and SLACK times that:
# the square would be 8, 5 and 5 times as much as allowed without it. Work (CPU seconds) under the
# floor is too little to compare.
SIZES = (500, 4_000, 20_000, 100_000)
SLACK, FLOOR = 4.0, 0.003
# The shortest text is only measured; work that does not end by then doubles with each character.
LONGEST = 3.0
# Of all attacks, those that cost the most at SCREENED characters are made longer: the worst to the
# last size, which takes four fifths of the time, the others to the one before.
SCREENED, WORST = 600, 3
# What no pattern ends with, and what keeps a number, a word or an address from ending.
ENDINGS = ("\x01", "@", "a")
MARKS = ".,:;!?-'/@+_&#(<["
EVERYDAY = [*" \n\téA1.!(<[+", "ab ", "A1", "a\n", "https://", "=", "mr. A ", "e.g. "]
EVERYDAY += [letter + mark for letter in "A1" for mark in MARKS]
EVERYDAY += [f"A{mark} " for mark in ".,:!"]


def found(work: Callable[[str], Any], attacks: list[tuple[str, str, str]]) -> list[str]:
    """The attacks under which the work grows faster than their text, in words."""
    costs = {one: seconds(work, text_of(*one, SCREENED)) for one in attacks}
    worst, *others = sorted(attacks, key=lambda one: -costs[one])[:WORST]
    told = [grows(work, *worst), *(grows(work, *one, SIZES[:-1]) for one in others)]
    return [one for one in told if one]


def grows(
    work: Callable[[str], Any],
    beginning: str,
    repeated: str,
    ending: str,
    sizes: tuple[int, ...] = SIZES,
) -> str:
    """Where the work grows faster than its text, in words; else ""."""
    before, done = SIZES[0], FLOOR
    for size in sizes:
        text = text_of(beginning, repeated, ending, size)
        allowed = SLACK * max(done, FLOOR) * size / before if size > before else LONGEST
        # Again where it took long: another process may have taken the caches.
        took = next(filter(None, (within(allowed, work, text) for _ in range(3))), None)
        if took is None:
            return f"{beginning!r} + {repeated!r} … + {ending!r}: {size} characters are too many"
        before, done = size, took
    return ""


class TooMuch(Exception):
    """Work that is stopped: the square of a long text would take minutes."""


def within(allowed: float, work: Callable[[str], Any], text: str) -> float | None:
    """What it took, if no more than that."""

    def stop(*_: object) -> None:
        raise TooMuch

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, allowed)
    try:
        return seconds(work, text) or FLOOR
    except TooMuch:
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def seconds(work: Callable[[str], Any], text: str) -> float:
    """Of the processor, in this thread."""
    began = time.thread_time()
    work(text)
    return time.thread_time() - began


def text_of(beginning: str, repeated: str, ending: str, size: int) -> str:
    return f"{beginning}{repeated * max(1, size // len(repeated))}{ending}"


def attacks(pattern: re.Pattern[Any]) -> list[tuple[str, str, str]]:
    """(beginning, what is repeated, ending)."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin1")
    parsed = parser.parse(text, pattern.flags)
    found: set[tuple[str, str]] = set()
    for before, body in repetitions(parsed, ""):
        found |= {
            (before, body),
            ("", before + body),
            (before, f"{body} "),
            ("", f"{before}{body} "),
        }
    found |= {("", f"{one}{gap}") for one in alternatives(parsed) for gap in ("", " ")}
    found.add(("", sample(parsed)[:-1]))
    pairs = sorted(pair for pair in found if pair[1])
    made = [(*pair, ending) for pair in pairs for ending in ENDINGS]
    return made + [("", repeated, ENDINGS[1]) for repeated in EVERYDAY]


def repetitions(parsed: Any, before: str) -> Iterator[tuple[str, str]]:
    """What is repeated, and what stands before it."""
    for operation, value in parsed:
        for inner in inside(operation, value):
            yield from repetitions(inner, before)
        if operation in REPEATS:
            yield before, sample(value[2])
        before += one_of(operation, value)


def alternatives(parsed: Any) -> Iterator[str]:
    for operation, value in parsed:
        for inner in inside(operation, value):
            if operation is names.BRANCH:
                yield sample(inner)
            yield from alternatives(inner)


REPEATS = {names.MAX_REPEAT, names.MIN_REPEAT, names.POSSESSIVE_REPEAT}


def inside(operation: Any, value: Any) -> list[Any]:
    if operation in REPEATS:
        return [value[2]]
    if operation is names.SUBPATTERN:
        return [value[3]]
    if operation is names.ATOMIC_GROUP:
        return [value]
    if operation is names.BRANCH:
        return list(value[1])
    return []


def sample(parsed: Any) -> str:
    return "".join(one_of(operation, value) for operation, value in parsed)


def one_of(operation: Any, value: Any) -> str:
    """A text that this part of a pattern matches."""
    if operation is names.LITERAL:
        return chr(value)
    if operation is names.IN:
        return member(value)
    if operation in {names.ANY, names.NOT_LITERAL}:
        return "a"
    if operation in REPEATS:
        return sample(value[2]) * max(1, min(value[0], 40))
    parts = inside(operation, value)
    return sample(parts[0]) if parts else ""


CHARACTERS = sorted(map(chr, range(32, 127)), key=lambda one: not one.isalnum())
CATEGORIES: dict[Any, Callable[[str], bool]] = {
    names.CATEGORY_DIGIT: str.isdigit,
    names.CATEGORY_SPACE: str.isspace,
    names.CATEGORY_WORD: lambda one: one.isalnum() or one == "_",
    names.CATEGORY_NOT_DIGIT: lambda one: not one.isdigit(),
    names.CATEGORY_NOT_SPACE: lambda one: not one.isspace(),
    names.CATEGORY_NOT_WORD: lambda one: not (one.isalnum() or one == "_"),
}


def member(options: Any) -> str:
    """A letter or a digit, where the set has one."""
    negated = options[0][0] is names.NEGATE
    for one in CHARACTERS:
        if any(covers(option, one) for option in options) != negated:
            return one
    return next((chr(value) for kind, value in options if kind is names.LITERAL), " ")


def covers(option: Any, character: str) -> bool:
    kind, value = option
    if kind is names.LITERAL:
        return bool(ord(character) == value)
    if kind is names.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    return kind is names.CATEGORY and CATEGORIES[value](character)
