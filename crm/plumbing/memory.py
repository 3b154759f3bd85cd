"""Holds values of the database that seldom change in this process's memory.

A value is read again after KEPT_FOR, and at once after this process has changed a row of the models
that it is made of. So it is at most two seconds behind what another process changed. Values that
isolation or consent depends on are never held: they are read with each message.
"""

import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# Seconds.
KEPT_FOR = 2.0


class Memory(Generic[Key, Value]):
    """A function that reads the database, with the values that it returned in the last KEPT_FOR
    seconds."""

    def __init__(self, read: Callable[[Key], Value], *models: str) -> None:
        """models: those whose rows the values are made of, such as "chatbot.Inbox"; a many-to-many
        field is "chatbot.Action_endpoints"."""
        self._read = read
        self._held: dict[Key, tuple[float, Value]] = {}
        for model in models:
            for signal in (post_save, post_delete, m2m_changed):
                signal.connect(self._changed, sender=model, weak=False)

    def __call__(self, key: Key) -> Value:
        # A change meanwhile replaces the dictionary, so that the old value, put into this one, is
        # lost.
        held, now = self._held, time.monotonic()
        until, value = held.get(key, (0.0, None))
        if now < until:
            return value  # type: ignore[return-value]
        value = self._read(key)
        held[key] = now + KEPT_FOR, value
        return value

    def _changed(self, **_: Any) -> None:
        self.forget()
        # Again: until the commit, other threads read the old value.
        transaction.on_commit(self.forget)

    def forget(self) -> None:
        self._held = {}
