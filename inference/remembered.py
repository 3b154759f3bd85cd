"""A cache for functions of a text, bounded by the characters of its texts.

`lru_cache` would count texts, and a text may be long.
"""

from collections.abc import Callable
from functools import update_wrapper
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")

# Characters of all texts that one function keeps: some 500 passages, whose values take a few MB.
CHARACTERS = 400_000
# No single text may evict more than this share of the others.
LONGEST = CHARACTERS // 50


class Remembered(Generic[Value]):
    """A function of a text, with its cache. The oldest texts are evicted first."""

    def __init__(self, function: Callable[[str], Value]) -> None:
        self._function = function
        self._values: dict[str, Value] = {}
        self._characters = 0
        self._lock = Lock()
        update_wrapper(self, function)

    def __call__(self, text: str) -> Value:
        # Values are never None, so that a look-up is a single step that no thread can interrupt.
        if (known := self._values.get(text)) is not None:
            return known
        value = self._function(text)
        if len(text) <= LONGEST:
            with self._lock:
                self._keep(text, value)
        return value

    def _keep(self, text: str, value: Value) -> None:
        if text not in self._values:
            self._characters += len(text) + 1
        self._values[text] = value
        while self._characters > CHARACTERS:
            oldest = next(iter(self._values))
            del self._values[oldest]
            self._characters -= len(oldest) + 1

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._characters = 0


def remembered(function: Callable[[str], Value]) -> Remembered[Value]:
    return Remembered(function)
