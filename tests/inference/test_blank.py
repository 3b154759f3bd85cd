"""What shows nothing is blank, and whatever shows something stays as it was written."""

import pytest

from inference.text import blank, written
from tests.texts import INVISIBLE, VISIBLE


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert blank(text)
    assert written(text) == ""


@pytest.mark.parametrize("text", VISIBLE.values(), ids=VISIBLE)
def test_what_shows_something_stays_as_it_was_written(text: str) -> None:
    assert not blank(text)
    assert written(f" {text}\n") == text
