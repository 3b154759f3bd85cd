"""Train the linear head on the frozen encoder, calibrate it, and say how good it is.

The data folder holds `sentiment-train`, `sentiment-dev` and `customer-messages`, each `.jsonl.gz`.
No labelled set marks calm customer requests as neutral, and a head trained without them hears
anger in every named problem. So requests without a word of feeling are added as neutral ones;
one source of them, and some intents of the others, are kept away from training to measure that.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from inference.evaluation.classification import (
    accuracy,
    confusion,
    expected_calibration_error,
    macro_f1,
    recall,
)
from inference.sentiment.classifier import LABELS, Head, TextEncoder, softmax

SEED = 7
CALM_ROWS = 6_000
UNSEEN_CALM_SOURCE = "bitext"
FEELING = re.compile(
    r"!|\b(angry|mad|furious|upset|terribl|horribl|awful|worst|hate|ridiculous|unacceptabl"
    r"|disappoint|frustrat|annoy|stupid|useless|scam|fraudster|fuck|shit|damn|goddam|crap|wtf|hell\b"
    r"|disgust|rubbish|joke|pathetic|incompetent|unhappy|sick of|fed up|tired of|bullshit|asshole"
    r"|bitch|idiot|lousy|worried|concerned|scared|thank|great|love|awesome|happy|excellent|perfect"
    r"|glad|wonderful|appreciat|nice|good|bad|cool|fun|funny|sorry)",
    re.IGNORECASE,
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Texts:
    """Texts with the class number of each."""

    texts: list[str]
    classes: NDArray[np.int64]

    def __add__(self, other: "Texts") -> "Texts":
        return Texts(self.texts + other.texts, np.concatenate([self.classes, other.classes]))


def train(data: Path, encoder: TextEncoder, folder: Path, say: Say) -> dict[str, Any]:
    """Write `head.npz` and `manifest.json` into `folder`; return the manifest."""
    labelled = _labelled(data / "sentiment-train.jsonl.gz")
    messages = _read(data / "customer-messages.jsonl.gz")
    calm = _neutral(_sample([row["text"] for row in messages if _teaches_calm(row)]))
    say(f"{len(labelled.texts)} labelled rows and {len(calm.texts)} calm requests: encoding")
    rows = labelled + calm
    weight, bias = _fit(encoder.encode(rows.texts), rows.classes)
    say("measuring")
    dev = _labelled(data / "sentiment-dev.jsonl.gz")
    vectors = encoder.encode(dev.texts)
    head = Head(weight, bias, _temperature(vectors[::2] @ weight.T + bias, dev.classes[::2]))
    manifest = {
        "encoder": encoder.name,
        "labels": list(LABELS),
        "data": {"labelled": len(labelled.texts), "calm requests": len(calm.texts)},
        "seed": SEED,
        "temperature": round(head.temperature, 4),
        "dev": _figures(head, vectors, dev.classes),
        "calm requests, unseen, called negative": _calm_called_negative(head, encoder, messages),
    }
    _save(head, manifest, folder)
    return manifest


def is_calm(text: str) -> bool:
    return not FEELING.search(text)


def _read(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _labelled(path: Path) -> Texts:
    rows = _read(path)
    return Texts(
        [row["text"] for row in rows], np.array([LABELS.index(row["label"]) for row in rows])
    )


def _neutral(texts: list[str]) -> Texts:
    return Texts(texts, np.full(len(texts), LABELS.index("neutral")))


def _sample(texts: list[str]) -> list[str]:
    chosen = np.random.default_rng(SEED).permutation(len(texts))[:CALM_ROWS]
    return [texts[i] for i in sorted(chosen)]


def _teaches_calm(row: dict[str, str]) -> bool:
    return (
        is_calm(row["text"])
        and not row["src"].startswith(UNSEEN_CALM_SOURCE)
        and not _held_back(row["intent"])
    )


def _held_back(intent: str) -> bool:
    """A quarter of the intents, the same ones on every machine."""
    return crc32(intent.encode()) % 4 == 0


def _fit(vectors: NDArray[np.float32], classes: NDArray[np.int64]) -> tuple[Any, Any]:
    """Weights (3, dimension) and biases (3,).

    Half-way to balanced classes: unweighted, every second negative is missed; balanced, calm
    requests come out negative again.
    """
    from sklearn.linear_model import LogisticRegression

    shares = np.bincount(classes, minlength=len(LABELS)) / len(classes)
    weights = dict(enumerate(1 / np.sqrt(shares)))
    model = LogisticRegression(C=10.0, max_iter=300, class_weight=weights, random_state=SEED)
    model.fit(vectors, classes)
    return model.coef_.astype(np.float32), model.intercept_.astype(np.float32)


def _temperature(logits: NDArray[Any], classes: NDArray[np.int64]) -> float:
    """The one number that makes the probabilities fit best (least negative log likelihood)."""
    candidates = np.exp(np.linspace(np.log(0.3), np.log(3.0), 200))
    rows = np.arange(len(classes))
    losses = [-np.log(softmax(logits / t)[rows, classes] + 1e-9).mean() for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def _figures(head: Head, vectors: NDArray[Any], classes: NDArray[np.int64]) -> dict[str, Any]:
    """On all of dev, except calibration: on the half that the temperature was not fitted to."""
    probabilities = head.probabilities(vectors)
    counts = confusion(classes, probabilities.argmax(axis=1), len(LABELS))
    return {
        "rows": len(classes),
        "accuracy": round(accuracy(counts), 4),
        "macro_f1": round(macro_f1(counts), 4),
        "recall": dict(zip(LABELS, np.round(recall(counts), 4).tolist(), strict=True)),
        "ece": round(expected_calibration_error(classes[1::2], probabilities[1::2]), 4),
    }


def _calm_called_negative(
    head: Head, encoder: TextEncoder, messages: Iterable[dict[str, str]]
) -> dict[str, float]:
    """Per source, the share of calm requests never trained on that come out negative."""
    groups: dict[str, list[str]] = {}
    for row in messages:
        if is_calm(row["text"]) and not _teaches_calm(row):
            groups.setdefault(row["src"].split("-")[0], []).append(row["text"])
    return {
        source: round(_share_negative(head, encoder.encode(texts)), 4)
        for source, texts in sorted(groups.items())
    }


def _share_negative(head: Head, vectors: NDArray[Any]) -> float:
    return float((head.probabilities(vectors).argmax(axis=1) == 0).mean())


def _save(head: Head, manifest: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / "head.npz",
        weight=head.weight,
        bias=head.bias,
        temperature=np.float32(head.temperature),
    )
    manifest["bytes"] = (folder / "head.npz").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
