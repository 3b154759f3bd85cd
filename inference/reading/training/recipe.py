"""Trains the reader on the questions of the companies. An interrupted training continues."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from inference.reading.reader import Reader
from inference.reading.training import data, reranking, weights
from inference.reading.training.data import Lesson
from inference.reading.training.model import Lessons, Matcher, loss
from inference.training import body
from inference.training.fitting import Recipe, Say, fit

# Companies that are not trained on; calibration and thresholds come from them and from kept
# conversations. They are by eight
# writers; six of them have the trade of one of the companies in tests/fixtures/companies.
DEV = (
    "council", "hotel", "housing", "pension", "repair-shop", "storage",
    "driving-school", "farm-box", "fibre-broadband", "funeral-home", "museum", "optician",
)  # fmt: skip
RECIPE = Recipe(rate=5e-5, size=60)
# The reranker; and the share of the questions that it learns from, chosen at random: half an hour
# on two cores.
AGAIN, SHARE = Recipe(rate=6e-5, size=16), 0.55
# The trained reader's transformer, in the work folder.
READERS = "reader.pt"


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
    torch.save(model.body.state_dict(), folders.work / READERS)
    say("exporting")
    weights.write(model, folders.start, target, about(taught))
    weights.measure(target, [lesson for name, lesson in companies.items() if name in DEV])
    manifest: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return manifest


def make_reranker(
    folders: Folders,
    by: Path,
    lessons: Sequence[tuple[str, Lesson]],
    kept: Sequence[Lesson],
    target: Path,
    say: Say,
) -> dict[str, Any]:
    """Train the reranker on what the reader ranks first, and write its weights into `target`.

    by: the reader's weights; lessons: the name of a company with its questions, or a conversation;
    kept: conversations that are not trained on.
    """
    reader, tokenizer = Reader(by), by / "tokenizer.json"
    say("ranking by the reader")
    found = [(name, case) for name, lesson in lessons for case in reranking.cases(reader, lesson)]
    taught = [case for name, case in found if name not in DEV]
    # Follow-ups are few, and count twice.
    taught += [case for case in taught if case.before]
    model = reranking.starting(folders.start, folders.work / READERS)
    say(f"{len(taught)} questions")
    cases = reranking.Cases(tokenizer, taught, SHARE)
    fit(model, cases, reranking.loss, AGAIN, folders.work / "reranker.ckpt", say)
    say("exporting")
    course = {
        "start": reader.name,
        "seed": AGAIN.seed,
        "rate": AGAIN.rate,
        "questions": len(taught),
    }
    weights.write_reranker(model, target, course)
    measured = [case for name, case in found if name in DEV]
    measured += [case for lesson in kept for case in reranking.cases(reader, lesson)]
    weights.calibrate_reranker(target, tokenizer, measured)
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
