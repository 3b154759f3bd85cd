"""The teacher: all-mpnet-base-v2, fine-tuned on labelled texts and on customers' own tone."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from inference.sentiment.classifier import EMOTIONS, INTENTS, LABELS
from inference.sentiment.distillation import customers, data
from inference.sentiment.distillation.data import UNLABELLED, Example
from inference.sentiment.distillation.model import Scorer
from inference.training.body import freeze, without_dropout
from inference.training.fitting import Loss, Recipe, Say, fit
from inference.training.tokens import Batch, Tokens

# Texts of each source in the first course: reviews and tweets in full, comments and film reviews as
# far as the time of two cores allows. Customers' tone is what it will be asked about.
SHARES = {
    "customer": 2_500,
    "vader": 8_000,
    "semeval": 14_000,
    "goemotions": 11_000,
    "sst5": 3_000,
    "calm": 2_000,
    "service": 3_000,
}
# Texts in customers' tone that the second course repeats.
REPEATED = 2_000
SECOND = 50_000
# The last course has even classes again; otherwise the rare negative texts are found too seldom.
LAST = {
    "customer": 2_500,
    "vader": 9_000,
    "semeval": 20_800,
    "goemotions": 16_500,
    "sst5": 6_500,
    "calm": 2_000,
    "service": 4_500,
}
# Texts of the sources above that are read again beside the customers' own messages, each of which
# comes twice.
REHEARSED = 6_000
FROZEN_LAYERS = 4
# The weights of the losses beside that of the labels. With 3, the teacher learned hardly any
# intent: their loss is a mean over all of them (2026-11-29, when there were ten).
EMOTION, INTENT = 0.3, 10.0
RECIPE = Recipe(rate=3e-5, size=32)


def courses(folder: Path, rng: random.Random) -> list[list[Example]]:
    """Make four courses: even classes of every source, more of the rest, even classes again, and
    customers' messages."""
    first = sample(folder, SHARES, rng)
    seen = {example.text for example in first}
    known = _known(folder)
    calm = data.calm(folder / "customer-messages.jsonl.gz", REPEATED, rng)
    service = data.service(REPEATED, [example.text for example in calm], rng)
    rest = [example for example in known if example.text not in seen] + calm + service
    rng.shuffle(rest)
    last = sample(folder, LAST, rng)
    public = [data.in_dialects(course, rng) for course in (first, rest[:SECOND], last)]
    return [*public, own(rng) + public[2][:REHEARSED]]


def own(rng: random.Random) -> list[Example]:
    """Return each of the customers' messages twice, in two dialects at times."""
    once = customers.marked()
    return data.in_dialects(once, rng) + data.in_dialects(once, rng)


def sample(folder: Path, shares: dict[str, int], rng: random.Random) -> list[Example]:
    """Sample so many texts of every source, with classes as even as it allows; shuffled."""
    calm = data.calm(folder / "customer-messages.jsonl.gz", 10_000, rng)
    service = data.service(shares["service"], [example.text for example in calm], rng)
    by_source: dict[str, list[Example]] = {}
    for example in [*_known(folder), *calm, *service]:
        by_source.setdefault(example.source, []).append(example)
    chosen = [e for source, count in shares.items() for e in _even(by_source[source], count, rng)]
    rng.shuffle(chosen)
    return chosen


def _known(folder: Path) -> list[Example]:
    known = data.labelled(folder / "sentiment-train.jsonl.gz")
    return data.with_emotions(known, folder / "emotion-goemotions-train.jsonl.gz")


def _even(examples: list[Example], count: int, rng: random.Random) -> list[Example]:
    """Sample at most `count`, with an equal share for each class until it runs out."""
    classes = [[e for e in examples if e.label == label] for label in range(len(LABELS))]
    chosen: list[Example] = []
    for number, members in enumerate(sorted(classes, key=len)):
        fair = (count - len(chosen)) // (len(classes) - number)
        chosen += rng.sample(members, min(fair, len(members)))
    return chosen


def train(folder: Path, courses: list[list[Example]], work: Path, say: Say) -> Scorer:
    """Fine-tune the model in `folder`; save the weights in `work`."""
    model = Scorer.from_folder(folder)
    freeze(model.body, FROZEN_LAYERS)
    without_dropout(model)
    for number, examples in enumerate(courses):
        done = work / f"teacher-{number}.pt"
        if not done.exists():
            say(f"teacher, course {number + 1}: {len(examples)} texts")
            tokens = Tokens(folder / "tokenizer.json", [example.text for example in examples])
            fit(model, tokens, hard_loss(examples), RECIPE, work / "teacher.ckpt", say)
            torch.save(model.state_dict(), done)
        model.load_state_dict(torch.load(done, weights_only=True))
    return model


def hard_loss(examples: list[Example]) -> Loss:
    labels = torch.tensor([example.label for example in examples])
    emotions = Marks([example.emotions for example in examples], len(EMOTIONS))
    intents = Marks([example.intents for example in examples], len(INTENTS))

    def loss(model: Scorer, batch: Batch) -> Tensor:
        logits, hints, wants = model(batch.ids, batch.mask)
        rows = batch.rows
        return (
            label_loss(logits, labels[rows])
            + EMOTION * emotions.loss(hints, rows)
            + INTENT * intents.loss(wants, rows)
        )

    return loss


def label_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean over the rows that have a label; a batch may have none."""
    total = torch.nn.functional.cross_entropy(
        logits.float(), labels.to(logits.device), label_smoothing=0.05, reduction="sum"
    )
    return total / (labels != UNLABELLED).sum().clamp(min=1)


class Marks:
    """The emotions or intents of texts, values of 0 or 1, NaN where nobody has judged; None for a
    text that has no marks."""

    def __init__(self, marks: Sequence[tuple[float, ...] | None], count: int) -> None:
        self.values = torch.tensor([each or (math.nan,) * count for each in marks])

    def loss(self, logits: Tensor, rows: Tensor) -> Tensor:
        """Compute the mean for each emotion or intent, and the mean of these: in one mean, the rare
        marks would hardly count. A batch may have no marks."""
        values = self.values[rows].to(logits.device)
        known = ~values.isnan()
        each = torch.nn.functional.binary_cross_entropy_with_logits(
            logits.float(), values.nan_to_num(), reduction="none"
        )
        means = (each * known).sum(0) / known.sum(0).clamp(min=1)
        return means.sum() / known.any(0).sum().clamp(min=1)
