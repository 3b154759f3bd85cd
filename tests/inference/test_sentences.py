"""Sentences leave the stream as soon as they are finished, and not before."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from inference.sentences import split, stream


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It was sent. It arrives soon!", ["It was sent.", "It arrives soon!"]),
        ("It costs 1.50 EUR. Fine.", ["It costs 1.50 EUR.", "Fine."]),
        ("See Dr. Smith or No. 5. Thanks.", ["See Dr. Smith or No. 5.", "Thanks."]),
        ("Sent by J. Brown. Done", ["Sent by J. Brown.", "Done"]),
        ("1. First thing\n2. Second thing", ["1. First thing", "2. Second thing"]),
        ("", []),
        ("   ", []),
    ],
)
def test_split(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_a_stream_cut_anywhere_gives_the_same_sentences() -> None:
    text = "Order 12 was sent on 3 May 2026. It cost 1.50 EUR. Anything else?"

    async def collect(size: int) -> list[str]:
        async def pieces() -> AsyncIterator[str]:
            for start in range(0, len(text), size):
                yield text[start : start + size]

        return [sentence async for sentence in stream(pieces())]

    for size in range(1, len(text)):
        assert asyncio.run(collect(size)) == split(text), size
