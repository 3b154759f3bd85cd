"""Learning on site: tunes the heads on agents' corrections, and promotes or refuses the result.

Only the heads learn: 10 million weights would merely memorise a few hundred corrections, and heads
are tuned in seconds, without torch. They are also trained on the student's features of some of its
training texts (`anchors.npz`, which contains no text), so that it does not forget.

A site's folder has one folder per version (`heads.npz`, `manifest.json`) and the file `active` with
the name of the version in service; without this file, the delivered heads are in service.
"""

import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.evaluation.classification import accuracy, confusion, macro_f1, recall
from inference.sentiment.classifier import LABELS, Classifier, Heads, heard, softmax

SEED = 7
# The fewest corrections: of forty, ten are held out, the least that can show a gain.
FEWEST = 40
HELD_OUT = 0.25
# The accuracy that new heads may lose on the texts that the student was trained on. With 0.015, 800
# corrections that call rage a joy were accepted at a quarter of the way (2026-11-29).
FORGETTING = 0.01
# The same for the recall of each class: with the weights of 2026-11-29, half of the way to these
# corrections lost 0.005 in all and 0.020 of the negative texts.
CLASS_FORGETTING = 0.015
# The least gain on held-out corrections: of ten, one more that is right is 0.03.
LEAST_GAIN = 0.01
STEPS, RATE, LEASH = 300, 0.05, 0.02
# A correction weighs as much as this many anchors.
WEIGHT = 4.0
# Shares of the way from the old heads to the tuned ones: if the whole way forgets too much, half of
# it may still be a gain.
STRIDES = (1.0, 0.5, 0.25)
# If the whole way loses more accuracy than this, the corrections contradict what the classifier
# knows, and no part of the way is taken. 800 corrections that label rage as joy lose 0.058; 84 and
# 160 that teach a shop's slang lose 0.005 and 0.008 (2026-11-29).
CONTRADICTION = 0.03


@dataclass(frozen=True)
class Texts:
    """The features (texts, width) and the class number of each text."""

    features: NDArray[np.floating[Any]]
    classes: NDArray[np.int64]

    def __getitem__(self, rows: Any) -> "Texts":
        return Texts(self.features[rows], self.classes[rows])


@dataclass(frozen=True)
class Verdict:
    """The result of a training: `version` is the new folder's name, "" if it was refused."""

    version: str
    reason: str
    figures: dict[str, Any]


class TooFew(ValueError):
    """There are not enough corrections to learn from and to judge by."""


def learn(
    classifier: Classifier, weights: Path, corrections: Sequence[tuple[str, str]], site: Path
) -> Verdict:
    """Tune on (text, label) corrections and put the result into service if it is better.

    weights: the delivered folder, which holds the anchors. Raises TooFew.
    """
    if len(corrections) < FEWEST:
        raise TooFew(
            f"{len(corrections)} corrections are too few: {FEWEST} are needed to train and judge."
        )
    learned, judged = _split(_features(classifier, corrections))
    anchors = _anchors(weights)
    rehearsed, guard = anchors[::2], anchors[1::2]
    old, tuned = classifier.heads, tune(classifier.heads, learned, rehearsed)
    before = _figures(old, judged, guard)
    tries = [_between(old, tuned, stride) for stride in STRIDES]
    results = [_figures(heads, judged, guard) for heads in tries]
    reasons = [_objection(before, after) for after in results]
    lost = before["anchors"]["accuracy"] - results[0]["anchors"]["accuracy"]
    chosen = reasons.index("") if "" in reasons and lost <= CONTRADICTION else 0
    heads, after, reason = tries[chosen], results[chosen], reasons[chosen]
    figures = {"corrections": len(corrections), "before": before, "after": after}
    if reason:
        return Verdict("", reason, figures)
    version = _save(heads, figures, site)
    activate(site, version)
    gain = after["held out"]["macro_f1"] - before["held out"]["macro_f1"]
    return Verdict(version, f"macro-F1 on held-out corrections rose by {gain:.3f}", figures)


def tune(heads: Heads, learned: Texts, rehearsed: Texts) -> Heads:
    """Find heads near the given ones that fit the corrections and still fit the anchors.

    Gradient descent (Adam) on the cross-entropy of both plus the squared distance from the old
    heads.
    """
    features = np.concatenate([learned.features, rehearsed.features]).astype(np.float64)
    inputs = np.hstack([features, np.ones((len(features), 1))])
    target = np.eye(len(LABELS))[np.concatenate([learned.classes, rehearsed.classes])]
    each = np.concatenate([np.full(len(learned.classes), WEIGHT), np.ones(len(rehearsed.classes))])
    each = (each / each.sum())[:, None]
    old = np.hstack([heads.weight, heads.bias[:, None]]).astype(np.float64) / heads.temperature
    new, first, second = old.copy(), np.zeros_like(old), np.zeros_like(old)
    for step in range(1, STEPS + 1):
        slope = (each * (softmax(inputs @ new.T) - target)).T @ inputs + LEASH * (new - old)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        rate = RATE / np.sqrt(step)
        new -= rate * first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    new *= heads.temperature
    weight, bias = new[:, :-1].astype(np.float32), new[:, -1].astype(np.float32)
    return replace(heads, weight=weight, bias=bias)


def _between(old: Heads, new: Heads, stride: float) -> Heads:
    weight = old.weight + stride * (new.weight - old.weight)
    return replace(old, weight=weight, bias=old.bias + stride * (new.bias - old.bias))


# --- versions


def active(site: Path) -> Path | None:
    """Return the site's heads in service; None if the delivered ones are."""
    try:
        version = (site / "active").read_text().strip()
    except FileNotFoundError:
        return None
    return site / version / "heads.npz" if version else None


def activate(site: Path, version: str) -> None:
    """Put a version into service, "" for the delivered heads. Every process notices at once."""
    draft = site / f"active.{os.getpid()}"
    draft.write_text(version + "\n")
    draft.replace(site / "active")


def roll_back(site: Path) -> str:
    """Put the previous version back into service; return its name, "" for the delivered heads.

    Raises FileNotFoundError if the delivered heads are in service already.
    """
    heads = active(site)
    if heads is None:
        raise FileNotFoundError("The delivered weights are in service: nothing came before them.")
    before = str(json.loads((heads.parent / "manifest.json").read_text())["previous"])
    activate(site, before)
    return before


def _save(heads: Heads, figures: dict[str, Any], site: Path) -> str:
    site.mkdir(parents=True, exist_ok=True)
    before = active(site)
    numbers = [int(folder.name[1:]) for folder in site.glob("v[0-9]*")]
    version = f"v{max(numbers, default=0) + 1}"
    folder = site / version
    folder.mkdir()
    heads.save(folder / "heads.npz")
    manifest = {
        "version": version,
        "previous": before.parent.name if before else "",
        "student": heads.student,
        "seed": SEED,
        **figures,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return version


# --- judging


def _features(classifier: Classifier, corrections: Sequence[tuple[str, str]]) -> Texts:
    """Return the mean features of each text's windows: a correction is for the whole message."""
    student = classifier.student
    rows = [student.features(student.windows(heard(text))).mean(axis=0) for text, _ in corrections]
    classes = [LABELS.index(label) for _, label in corrections]
    return Texts(np.stack(rows), np.array(classes))


def _anchors(weights: Path) -> Texts:
    with np.load(weights / "anchors.npz", allow_pickle=False) as saved:
        return Texts(saved["features"].astype(np.float32), saved["classes"].astype(np.int64))


def _split(texts: Texts) -> tuple[Texts, Texts]:
    """Split into three quarters to learn from and one to judge by, always in the same way."""
    rows = list(range(len(texts.classes)))
    random.Random(SEED).shuffle(rows)
    cut = int(len(rows) * HELD_OUT)
    return texts[rows[cut:]], texts[rows[:cut]]


def _figures(heads: Heads, judged: Texts, guard: Texts) -> dict[str, dict[str, float]]:
    return {"held out": _figure(heads, judged), "anchors": _figure(heads, guard)}


def _figure(heads: Heads, texts: Texts) -> dict[str, float]:
    predicted = heads.probabilities(texts.features).argmax(axis=1)
    counts = confusion(texts.classes, predicted, len(LABELS))
    return {
        "accuracy": round(accuracy(counts), 4),
        "macro_f1": round(macro_f1(counts), 4),
        **{
            f"recall of {label}": value
            for label, value in zip(LABELS, recall(counts).round(4).tolist(), strict=True)
        },
    }


def _objection(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return why the new heads may not go into service; "" if they may."""
    was, now = before["held out"], after["held out"]
    if now["macro_f1"] < was["macro_f1"] + LEAST_GAIN or now["accuracy"] < was["accuracy"]:
        return (
            "no better on held-out corrections: "
            f"macro-F1 {was['macro_f1']:.3f} before, {now['macro_f1']:.3f} after"
        )
    was, now = before["anchors"], after["anchors"]
    if now["accuracy"] < was["accuracy"] - FORGETTING:
        return (
            "it forgets: accuracy on texts it was trained on fell "
            f"from {was['accuracy']:.3f} to {now['accuracy']:.3f}"
        )
    for each in (f"recall of {label}" for label in LABELS):
        if now[each] < was[each] - CLASS_FORGETTING:
            return (
                f"it forgets: the {each} texts it was trained on fell "
                f"from {was[each]:.3f} to {now[each]:.3f}"
            )
    return ""
