"""Trains the classifier, from the data to the folder of weights, step by step.

Each step saves its result in the work folder and is skipped if that exists: an interrupted run
continues. On two cores: teacher 100 minutes, its opinions 20, student 20, pruned student 20.
"""

import json
import logging
import random
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from inference.sentiment import weights
from inference.sentiment.classifier import Heads, Student
from inference.sentiment.compression import factorise, prune, quantise
from inference.sentiment.distillation import customers, data, further, groups, student, teacher
from inference.sentiment.distillation.data import UNLABELLED, Example
from inference.sentiment.distillation.model import Scorer, scores
from inference.training.fitting import Recipe, Say
from inference.training.tokens import Tokens

SEED = 7
STUDENT = Recipe(rate=7e-5, size=48)
PRUNED = Recipe(rate=1e-4, epochs=2, size=48)
# What is kept of MiniLM's six layers and 1,536 neurons per layer, and the least uses of a word.
LAYERS, NEURONS, LEAST_USES = [0, 1, 3, 5], 768, 3
RANK = 128
ANCHORS = 2_000
DELIVERED = "pruned, 8 bits"


@dataclass(frozen=True)
class Folders:
    """`data` is laid out like ../shared/data; `teacher` and `start` hold the first models."""

    data: Path
    teacher: Path
    start: Path
    work: Path

    @property
    def variants(self) -> Path:
        return self.work / "variants"


def make(folders: Folders, target: Path, say: Say) -> dict[str, Any]:
    """Write the delivered variant into `target`; return its manifest."""
    _quiet()
    folders.work.mkdir(parents=True, exist_ok=True)
    known, judged = calibration(folders.data), customers.judged()
    own = [message.text for message in customers.messages()]
    steps = Steps(folders, say)
    for name, (build, graph) in steps.variants().items():
        folder = folders.variants / name
        if not (folder / "heads.npz").exists():
            scorer, tokenizer = build()
            say(f"exporting: {name}")
            weights.write(scorer, tokenizer, graph, folder)
            weights.fit_intents(folder, judged)
            groups.score_alike(folder, own)
            weights.calibrate(folder, *known)
    _deliver(folders.variants / DELIVERED, steps.lesson.examples, target)
    return _describe(target, about(steps.lesson.examples))


def make_further(folders: Folders, target: Path, say: Say) -> dict[str, Any]:
    """Train the weights in `target` further on customers' messages; return their manifest."""
    _quiet()
    folders.work.mkdir(parents=True, exist_ok=True)
    before = json.loads((target / "manifest.json").read_text())
    scorer = further.trained(target, folders.start, folders.data, folders.work, say)
    source, own = folders.variants / "further", customers.marked()
    say("exporting")
    weights.write(scorer, target / "tokenizer.json", _eight_bits, source)
    weights.fit_intents(source, customers.judged())
    groups.score_alike(source, [message.text for message in customers.messages()])
    weights.calibrate(source, *calibration(folders.data))
    public = teacher.sample(folders.data, further.SHARES, random.Random(SEED))
    _deliver(source, own + public, target)
    return _describe(target, before | {"further": further.about(len(own), len(public))})


def calibration(folder: Path) -> tuple[list[Example], list[Example], list[Example]]:
    """Return texts with sentiment, with emotions and with intents that are not trained on.

    Of the public ones, the odd rows are left for measuring; customers' messages are as many.
    """
    messages = customers.messages(dev=True)
    public = data.labelled(folder / "sentiment-dev.jsonl.gz")[::2]
    dev = messages + random.Random(SEED).sample(public, min(len(messages), len(public)))
    emotions = data.with_emotions_only(folder / "emotion-goemotions-dev.jsonl.gz")[::2]
    return dev, emotions, customers.intents(dev=True)


def _quiet() -> None:
    """Silence load reports and export hints, which say nothing new about this recipe."""
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger().setLevel(logging.ERROR)


# A scorer with its tokenizer's file; a function that writes a scorer's graph to a path.
Built = tuple[Scorer, Path]
Graph = Callable[[Built, Path], None]


class Steps:
    """The steps of the training; long ones save their results in the work folder."""

    def __init__(self, folders: Folders, say: Say) -> None:
        self.folders, self.say = folders, say
        self.start = folders.start / "tokenizer.json"

    def variants(self) -> dict[str, tuple[Callable[[], Built], Graph]]:
        """List the variants: each technique alone and together."""
        return {
            DELIVERED: (self.pruned, _eight_bits),
            "distilled": (self.six_layers, _full_precision),
            "distilled, four layers, not retrained": (self.shallow, _full_precision),
            "distilled, fewer words": (self.fewer_words, _full_precision),
            "distilled, low rank": (self.thin, _full_precision),
            "distilled, 8 bits": (self.six_layers, _eight_bits),
            "distilled, 8 bits static": (self.six_layers, self.eight_bits_static),
            "pruned": (self.pruned, _full_precision),
            "pruned, low rank": (self.thin_pruned, _full_precision),
            "pruned, low rank, 8 bits": (self.thin_pruned, _eight_bits),
            "teacher": (self.teacher, _full_precision),
        }

    def teacher(self) -> Built:
        courses = teacher.courses(self.folders.data, random.Random(SEED))
        scorer = teacher.train(self.folders.teacher, courses, self.folders.work, self.say)
        return scorer, self.folders.teacher / "tokenizer.json"

    @cached_property
    def lesson(self) -> student.Lesson:
        examples = student.examples(self.folders.data, random.Random(SEED))
        path = self.folders.work / "lesson.pt"
        if not path.exists():
            scorer, tokenizer = self.teacher()
            self.say(f"the teacher's opinion of {len(examples)} texts")
            opinion = scores(scorer, Tokens(tokenizer, [e.text for e in examples]), self.say)
            parts = ("logits", "intents", "features")
            torch.save({part: getattr(opinion, part) for part in parts}, path)
        return student.Lesson(examples, **torch.load(path, weights_only=True))

    def six_layers(self) -> Built:
        scorer = Scorer.from_folder(self.folders.start)
        return self.learned("student", scorer, self.start, STUDENT)

    def shallow(self) -> Built:
        scorer, tokenizer = self.six_layers()
        return prune.keep_layers(scorer, LAYERS), tokenizer

    def fewer_words(self) -> Built:
        scorer, _ = self.six_layers()
        texts = [example.text for example in self.lesson.examples]
        words = prune.used_words(Tokenizer.from_file(str(self.start)), texts, LEAST_USES)
        target = self.folders.work / "fewer-words.json"
        return prune.keep_words(scorer, self.start, words, target), target

    def thin(self) -> Built:
        scorer, tokenizer = self.six_layers()
        return factorise.factorise(scorer, RANK), tokenizer

    def pruned(self) -> Built:
        scorer, tokenizer = self.fewer_words()
        prune.keep_layers(scorer, LAYERS)
        sample = Tokens(tokenizer, [example.text for example in self.lesson.examples[:1000]])
        prune.keep_neurons(scorer, NEURONS, sample.in_order())
        return self.learned("pruned", scorer, tokenizer, PRUNED)

    def thin_pruned(self) -> Built:
        scorer, tokenizer = self.pruned()
        return factorise.factorise(scorer, RANK), tokenizer

    def learned(self, name: str, scorer: Scorer, tokenizer: Path, recipe: Recipe) -> Built:
        path = self.folders.work / f"{name}.pt"
        if not path.exists():
            self.say(f"{name}: learning from the teacher")
            student.train(
                scorer, tokenizer, self.lesson, path.with_suffix(".ckpt"), recipe, self.say
            )
            torch.save(scorer.state_dict(), path)
        scorer.load_state_dict(torch.load(path, weights_only=True))
        return scorer, tokenizer

    def eight_bits_static(self, built: Built, target: Path) -> None:
        texts = [example.text for example in self.lesson.examples[: quantise.CALIBRATION_TEXTS]]
        draft = target.with_suffix(".draft")
        quantise.to_onnx(built[0], draft, eight_bits=False)
        quantise.static(draft, target, Tokens(built[1], texts).ids)
        draft.unlink()


def _full_precision(built: Built, target: Path) -> None:
    quantise.to_onnx(built[0], target, eight_bits=False)


def _eight_bits(built: Built, target: Path) -> None:
    draft = target.with_suffix(".draft")
    quantise.to_onnx(built[0], draft, eight_bits=True)
    quantise.dynamic(draft, target)
    draft.unlink()


def _deliver(source: Path, examples: list[Example], target: Path) -> None:
    """Copy the weights, with the features of some texts (`anchors.npz`)."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("student.onnx", "tokenizer.json", "heads.npz", "manifest.json"):
        shutil.copyfile(source / name, target / name)
    labelled = [example for example in examples if example.label != UNLABELLED]
    chosen = random.Random(SEED).sample(labelled, ANCHORS)
    features = weights.features_of(Student(target), [example.text for example in chosen])
    classes = np.array([example.label for example in chosen], np.int8)
    np.savez_compressed(
        target / "anchors.npz", features=features.astype(np.float16), classes=classes
    )


def _describe(target: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of weights that were just made."""
    alike = {"groups": groups.GROUPS, "dialects": groups.DIALECTS}
    name = str(Heads.load(target / "heads.npz").student)
    manifest |= {"student": name, "weights of the change for groups": alike}
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def about(examples: list[Example]) -> dict[str, Any]:
    """Describe the training for the manifest."""
    counts: dict[str, int] = {}
    for example in examples:
        counts[example.source] = counts.get(example.source, 0) + 1
    return {
        "start": "all-MiniLM-L6-v2",
        "teacher": {
            "start": "all-mpnet-base-v2",
            "courses": [
                teacher.SHARES,
                {"of all": teacher.SECOND},
                teacher.LAST,
                {"customers, twice": "all", "public": teacher.REHEARSED},
            ],
            "rate": teacher.RECIPE.rate,
        },
        "texts": counts,
        "seed": SEED,
        "epochs": {"six layers": STUDENT.epochs, "pruned": PRUNED.epochs},
        "temperature of the soft targets": student.TEMPERATURE,
        "loss weights": {
            "soft": student.SOFT,
            "hard": student.HARD,
            "features": student.FEATURES,
            "emotions": teacher.EMOTION,
            "intents": teacher.INTENT,
        },
        "layers kept": LAYERS,
        "neurons kept": NEURONS,
    }
