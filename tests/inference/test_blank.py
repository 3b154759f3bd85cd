"""What shows nothing is blank, and whatever shows something stays as it was written."""

import pytest

from inference.text import blank, written

INVISIBLE = {
    "nothing": "",
    "white space": " \t\r\n\u00a0\u2003\u3000\u2028",
    "zero-width space": "\u200b\u200b",
    "joiners": "\u200d\u2060\u200c",
    "byte order mark": "\ufeff",
    "direction": "\u202e\u2066\u200f\u061c",
    "soft hyphen": "\u00ad",
    "tags": "\U000e0041\U000e0042\U000e007f",
    "variation selectors": "\ufe0f\U000e0100",
    "Hangul fillers": "\u115f\u1160\u3164\uffa0",
    "Braille blank": "\u2800",
    "other blanks": "\U00013441\U0001d159\ufffc",
    "Mongolian and Khmer": "\u180e\u17b4\u180b",
    "marks alone": "\u0301\u20e3\u034f",
    "reserved": "\u2065\ufff0\U000e0fff",
    "controls": "\x01\x7f\x85",
    "all at once": " \u200b\u3164\n\u202e\ufe0f",
}
VISIBLE = {
    "a letter": "a",
    "a full stop": ".",
    "a family": "👨‍👩‍👧",
    "the flag of England": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a keycap": "1\ufe0f\u20e3",
    "a heart": "❤️",
    "a Persian word": "می‌خواهم",
    "a Hindi word": "क्षि",
    "Hangul letters in pieces": "\u1112\u1161\u11ab",
    "a Braille letter": "\u2801",
    "an emoji newer than Python's tables": "\U0001fae9",
    "hidden between": "\u200bhi\u200b",
    "e with a mark": "e\u0301",
}


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_what_shows_nothing_is_blank(text: str) -> None:
    assert blank(text)
    assert written(text) == ""


@pytest.mark.parametrize("text", VISIBLE.values(), ids=VISIBLE)
def test_what_shows_something_stays_as_it_was_written(text: str) -> None:
    assert not blank(text)
    assert written(f" {text}\n") == text
