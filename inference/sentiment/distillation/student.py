"""The student: MiniLM that learns what the teacher thinks of a text, and what people labelled.

Three losses: the teacher's probabilities, softened by a temperature (Hinton et al. 2015); the
label of the data set; and the teacher's features, through a linear map that is thrown away
afterwards (Romero et al. 2015). Customer messages without a label have the first and third only.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inference.sentiment.distillation import data
from inference.sentiment.distillation.data import Example
from inference.sentiment.distillation.fitting import (
    Batch,
    Loss,
    Recipe,
    Say,
    Tokens,
    accelerator,
    fit,
)
from inference.sentiment.distillation.model import Scorer, without_dropout
from inference.sentiment.distillation.teacher import emotion_loss, emotion_targets, sample

SHARES = {
    "customer": 2_500,
    "vader": 13_000,
    "semeval": 28_000,
    "goemotions": 22_000,
    "sst5": 8_600,
    "calm": 3_000,
    "service": 9_000,
}
TEMPERATURE = 2.0
SOFT, HARD, FEATURES, EMOTION = 0.6, 0.4, 1.0, 0.3


@dataclass(frozen=True)
class Lesson:
    """Texts with what the teacher thinks of them: logits (texts, 3), features (texts, 768)."""

    examples: list[Example]
    logits: Tensor
    features: Tensor


def examples(folder: Path, rng: random.Random) -> list[Example]:
    return data.in_dialects(sample(folder, SHARES, rng), rng)


class Pupil(nn.Module):
    """The student with the map to the teacher's features, for as long as it learns."""

    def __init__(self, scorer: Scorer, width: int) -> None:
        super().__init__()
        self.scorer = scorer
        self.map = nn.Linear(scorer.sentiment.in_features, width)


def train(
    scorer: Scorer, tokenizer: Path, lesson: Lesson, checkpoint: Path, recipe: Recipe, say: Say
) -> Scorer:
    """Teach `scorer` in place."""
    without_dropout(scorer)
    pupil = Pupil(scorer, lesson.features.shape[1])
    tokens = Tokens(tokenizer, [example.text for example in lesson.examples])
    fit(pupil, tokens, loss(lesson), recipe, checkpoint, say)
    return scorer


def loss(lesson: Lesson) -> Loss:
    device = accelerator()
    labels = torch.tensor([example.label for example in lesson.examples])
    heard, emotions = emotion_targets(lesson.examples)
    soft = torch.softmax(lesson.logits / TEMPERATURE, dim=1)
    functional = nn.functional

    def value(pupil: Pupil, batch: Batch) -> Tensor:
        rows = batch.rows
        features = pupil.scorer.features(batch.ids, batch.mask)
        found = pupil.scorer.sentiment(features).float()
        hints = pupil.scorer.emotion(features)
        told = functional.kl_div(
            torch.log_softmax(found / TEMPERATURE, dim=1),
            soft[rows].to(device),
            reduction="batchmean",
        )
        named = functional.cross_entropy(found, labels[rows].to(device))
        near = functional.cosine_similarity(
            pupil.map(features).float(), lesson.features[rows].float().to(device)
        )
        return (
            SOFT * TEMPERATURE**2 * told
            + HARD * named
            + FEATURES * (1 - near.mean())
            + EMOTION * emotion_loss(hints, heard[rows], emotions[rows])
        )

    return value
