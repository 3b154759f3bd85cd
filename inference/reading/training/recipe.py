"""Trains the reader on the questions of the companies. An interrupted training continues."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.reading.training import data, weights
from inference.reading.training.data import Lesson
from inference.reading.training.model import Lessons, Matcher, loss
from inference.training import body
from inference.training.fitting import Recipe, Say, fit

# Companies that are not trained on; calibration and thresholds come from them. They are by eight
# writers; six of them have the trade of one of the companies in tests/fixtures/companies.
DEV = (
    "council", "hotel", "housing", "pension", "repair-shop", "storage",
    "driving-school", "farm-box", "fibre-broadband", "funeral-home", "museum", "optician",
)  # fmt: skip
RECIPE = Recipe(rate=5e-5, size=60)


@dataclass(frozen=True)
class Folders:
    """`start` holds the first model; `work` keeps an unfinished training."""

    start: Path
    work: Path


def train(folders: Folders, lessons: Sequence[Lesson], say: Say) -> Matcher:
    """Train twice on each question: with the lines in their passages, and with each line alone."""
    model = Matcher.from_folder(folders.start)
    body.without_dropout(model)
    body.freeze(model.body, 0)
    forms = [form for one in lessons for form in (one, data.alone(one))]
    say(f"{len(lessons)} companies, {sum(len(one.asked) for one in lessons)} questions")
    batches = Lessons(folders.start / "tokenizer.json", forms)
    fit(model, batches, loss, RECIPE, folders.work / "reader.ckpt", say)
    return model


def make(
    folders: Folders, companies: Mapping[str, Lesson], target: Path, say: Say
) -> dict[str, Any]:
    """Write the weights into `target`; return their manifest."""
    folders.work.mkdir(parents=True, exist_ok=True)
    taught = [lesson for name, lesson in companies.items() if name not in DEV]
    model = train(folders, taught, say)
    say("exporting")
    weights.write(model, folders.start, target, about(taught))
    weights.calibrate(target, [lesson for name, lesson in companies.items() if name in DEV])
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return manifest


def about(taught: Sequence[Lesson]) -> dict[str, Any]:
    """Describe the training for the manifest."""
    return {
        "start": "all-MiniLM-L6-v2",
        "seed": RECIPE.seed,
        "rate": RECIPE.rate,
        "companies": len(taught),
        "questions": sum(len(lesson.asked) for lesson in taught),
        "companies for thresholds": list(DEV),
    }
