"""Compares Attune's sentiment classifier with alternatives, one message at a time.

`python -m inference.benchmarks.sentiment_speed` (or `make bench-sentiment`) times in one run, on
the same messages: this classifier; VADER, a word list; and a `transformers` pipeline with a model
of DistilBERT's size (66 million parameters, 32 bits). The pipeline's weights are random: they
change its answers, not its speed. The three take turns, so that a busy machine slows all of them
down.
"""

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.sentiment.audit import templates
from inference.sentiment.classifier import Classifier
from inference.sentiment.speed import measured

WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "sentiment"
FILES = ("student.onnx", "tokenizer.json", "heads.npz")
MESSAGES, ROUNDS, WARM_UP = 60, 5, 5


def main() -> None:
    texts = messages()
    rivals = {"Attune": attune(), "VADER": vader(), "transformers, DistilBERT size": stock()}
    times = taken_in_turns(rivals, texts)
    alone = measured(WEIGHTS, texts * 3)
    size = sum((WEIGHTS / name).stat().st_size for name in FILES) / 1e6
    print(
        f"{len(texts)} customer messages, {ROUNDS} rounds, one at a time, one thread for Attune\n"
    )
    print(f"{'':32}{'median ms':>10}{'p95 ms':>9}{'times Attune':>15}")
    own = statistics.median(times["Attune"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        p95 = statistics.quantiles(taken, n=20)[-1]
        print(f"{name:32}{middle * 1000:>10.2f}{p95 * 1000:>9.2f}{middle / own:>15.2f}")
    print(f"\nAttune on disk: {size:.1f} MB")
    print(f"Attune resident, in a process that only classifies: {alone['resident_mb']:.0f} MB")
    print(f"Attune in batches of 32: {alone['per_second']:,} messages a second")


def messages() -> list[str]:
    """Return some of our own customer sentences, of 5 to 17 words."""
    given = templates()
    named = [text.format(name="Alice") for text in given["about a person"]]
    paired = [text for pairs in given["dialects"].values() for pair in pairs for text in pair]
    return random.Random(7).sample([*given["moods"], *named, *paired], MESSAGES)


def taken_in_turns(
    rivals: dict[str, Callable[[str], Any]], texts: list[str]
) -> dict[str, list[float]]:
    """Measure the seconds of every message, per rival."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for score in rivals.values():
        for text in texts[:WARM_UP]:
            score(text)
    for _ in range(ROUNDS):
        for name, score in rivals.items():
            times[name] += [seconds(score, text) for text in texts]
    return times


def seconds(score: Callable[[str], Any], text: str) -> float:
    began = time.perf_counter()
    score(text)
    return time.perf_counter() - began


def attune() -> Callable[[str], Any]:
    classifier = Classifier.load(WEIGHTS)
    return lambda text: classifier.score([text])


def vader() -> Callable[[str], Any]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    score: Callable[[str], Any] = SentimentIntensityAnalyzer().polarity_scores
    return score


def stock() -> Callable[[str], Any]:
    from transformers import (
        DistilBertConfig,
        DistilBertForSequenceClassification,
        PreTrainedTokenizerFast,
        pipeline,
    )

    model = DistilBertForSequenceClassification(DistilBertConfig(num_labels=3)).eval()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(WEIGHTS / "tokenizer.json"),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    score: Callable[[str], Any] = pipeline(
        "text-classification", model=model, tokenizer=tokenizer, device="cpu"
    )
    return score


if __name__ == "__main__":
    main()
