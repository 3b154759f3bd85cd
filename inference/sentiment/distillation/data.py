"""The texts for training and measuring the teacher and the student.

The folder holds `sentiment-train`, `sentiment-dev`, `customer-messages` and `emotion-*`, each as
`.jsonl.gz`. None of these labelled sets marks calm customer requests as neutral, and none has angry
customers of many trades. So two kinds of texts are added:

- calm requests: customer messages without a word of feeling, labelled neutral. One source and a
  quarter of the intents are held out for measuring.
- service messages: our own sentences (`phrases.json`), filled in, joined with calm requests and
  misspelled. A complaint with a request is negative; "thanks" after a request is only polite.
  Names and groups of people occur in all three classes alike.

Some texts of every kind are put into a dialect (`dialects.json`): in tweets "ain't" mostly goes
with anger, and a customer who always says it must not seem angry.
"""

import json
import random
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from inference.json_lines import rows
from inference.sentiment.classifier import EMOTIONS, LABELS
from inference.sentiment.text import readable

NEGATIVE, NEUTRAL, POSITIVE = range(len(LABELS))
UNSEEN_CALM_SOURCE = "bitext"
IN_DIALECT = 0.15
FEELING = re.compile(
    r"!|\b(angry|mad|furious|upset|terribl|horribl|awful|worst|hate|ridiculous|unacceptabl"
    r"|disappoint|frustrat|annoy|stupid|useless|scam|fraudster|fuck|shit|damn|goddam|crap|wtf|hell\b"
    r"|disgust|rubbish|joke|pathetic|incompetent|unhappy|sick of|fed up|tired of|bullshit|asshole"
    r"|bitch|idiot|lousy|worried|concerned|scared|thank|great|love|awesome|happy|excellent|perfect"
    r"|glad|wonderful|appreciat|nice|good|bad|cool|fun|funny|sorry)",
    re.IGNORECASE,
)


# The label of a text whose sentiment nobody has judged: torch's cross-entropy leaves it out.
UNLABELLED = -100


@dataclass(frozen=True)
class Example:
    """A text with its label, an index of LABELS or UNLABELLED, and a value for each of EMOTIONS and
    of INTENTS, NaN where nobody has judged, None if nobody has judged any."""

    text: str
    label: int
    source: str
    emotions: tuple[float, ...] | None = field(default=None, compare=False)
    intents: tuple[float, ...] | None = field(default=None, compare=False)


def labelled(path: Path) -> list[Example]:
    return [
        Example(readable(row["text"]), LABELS.index(row["label"]), family(row["src"]))
        for row in rows(path)
    ]


def family(source: str) -> str:
    """Return the source without its part: `semeval` for `semeval-2016train`."""
    return source.split("-")[0]


def with_emotions(examples: list[Example], path: Path) -> list[Example]:
    """Add the emotions that GoEmotions' raters found in the same texts."""
    by_text = {readable(row["text"]): emotions(row["labels"]) for row in rows(path)}
    return [Example(e.text, e.label, e.source, by_text.get(e.text)) for e in examples]


def with_emotions_only(path: Path) -> list[Example]:
    """Read GoEmotions' texts with their emotions; their sentiment is set to neutral."""
    return [
        Example(readable(row["text"]), NEUTRAL, "goemotions", emotions(row["labels"]))
        for row in rows(path)
    ]


def emotions(labels: list[str]) -> tuple[float, ...]:
    folded = {"annoyance": "anger"}
    named = {folded.get(label, label) for label in labels}
    return tuple(float(emotion in named) for emotion in EMOTIONS)


def calm(path: Path, count: int, rng: random.Random) -> list[Example]:
    texts = [readable(row["text"]) for row in rows(path) if teaches_calm(row)]
    return [Example(text, NEUTRAL, "calm") for text in rng.sample(texts, min(count, len(texts)))]


def unseen_calm(path: Path) -> dict[str, list[str]]:
    """Return, per source, the calm requests that are never used for training."""
    held_out: dict[str, list[str]] = {}
    for row in rows(path):
        if is_calm(row["text"]) and not teaches_calm(row):
            held_out.setdefault(family(row["src"]), []).append(row["text"])
    return held_out


def is_calm(text: str) -> bool:
    return not FEELING.search(text)


def teaches_calm(row: dict[str, Any]) -> bool:
    return (
        is_calm(row["text"])
        and family(row["src"]) != UNSEEN_CALM_SOURCE
        # A quarter of the intents, the same ones on every machine.
        and crc32(row["intent"].encode()) % 4 != 0
    )


def service(count: int, requests: list[str], rng: random.Random) -> list[Example]:
    """Make `count` messages to companies from our own sentences, a third of each class."""
    phrases = json.loads((Path(__file__).parent / "phrases.json").read_text())
    makers = (_complaint, _request, _praise)
    examples = []
    for number in range(count):
        label = number % len(LABELS)
        text = makers[label](phrases, requests, rng)
        examples.append(Example(readable(_mistyped(text, rng)), label, "service"))
    return examples


def _complaint(phrases: dict[str, Any], requests: list[str], rng: random.Random) -> str:
    parts = rng.sample(phrases["negative"], rng.choice((1, 1, 2)))
    if rng.random() < 0.4:
        parts.insert(rng.randrange(len(parts) + 1), rng.choice(requests))
    if rng.random() < 0.1:
        parts.append(rng.choice(phrases["polite endings"]))
    return _message(parts, phrases, rng, mark=rng.choice((".", ".", "!", "!!", "")))


def _praise(phrases: dict[str, Any], requests: list[str], rng: random.Random) -> str:
    parts = rng.sample(phrases["positive"], rng.choice((1, 1, 2)))
    return _message(parts, phrases, rng, mark=rng.choice((".", "!", "!!", "")))


def _request(phrases: dict[str, Any], requests: list[str], rng: random.Random) -> str:
    parts = [rng.choice(requests if rng.random() < 0.5 else phrases["neutral"])]
    if rng.random() < 0.3:
        parts.append(rng.choice(phrases["neutral"]))
    if rng.random() < 0.4:
        parts.append(rng.choice(phrases["polite endings"]))
    return _message(parts, phrases, rng, mark=rng.choice((".", "?", "")))


def _message(parts: list[str], phrases: dict[str, Any], rng: random.Random, mark: str) -> str:
    if rng.random() < 0.3:
        parts = [rng.choice(phrases["openings"]), *parts]
    joint = rng.choice((". ", ", ", " - ", " ", "\n"))
    text = joint.join(part.rstrip("?.! ") for part in parts) + mark
    slots = phrases["slots"]
    return re.sub(r"\{(\w+)\}", lambda slot: rng.choice(slots[slot[1]]), text)


def _mistyped(text: str, rng: random.Random) -> str:
    """Leave out, double or swap a letter in one text in four."""
    if rng.random() > 0.25 or len(text) < 8:
        return text
    at = rng.randrange(1, len(text) - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def in_dialects(examples: list[Example], rng: random.Random) -> list[Example]:
    """Put some of the examples into a dialect; their labels stay."""
    known = list(dialects().values())
    varied = []
    for example in examples:
        chosen = rng.choice(known) if rng.random() < IN_DIALECT else {}
        varied.append(replace(example, text=spoken(example.text, chosen, rng)))
    return varied


def dialects() -> dict[str, dict[str, list[str]]]:
    """Return, per dialect, patterns of usual words and what is said in their place."""
    rules: dict[str, dict[str, list[str]]]
    rules = json.loads((Path(__file__).parent / "dialects.json").read_text())
    return rules


def spoken(text: str, dialect: dict[str, list[str]], rng: random.Random) -> str:
    """Replace most of the words for which the dialect has others."""
    for usual, forms in dialect.items():
        if rng.random() < 0.8:
            text = re.sub(rf"\b(?:{usual})\b", rng.choice(forms), text, flags=re.IGNORECASE)
    return text
