"""Stems are the same, however many threads ask for them at once."""

from concurrent.futures import ThreadPoolExecutor

from inference.grounding.words import stem

WORDS = ["deliveries", "returned", "opening", "happily", "refundable", "waiting"]


def test_threads_do_not_mix_each_others_words_up() -> None:
    alone = [stem.__wrapped__(word) for word in WORDS]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(stem.__wrapped__, WORDS * 500))
    assert together == alone * 500
