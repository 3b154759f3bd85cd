"""The student: a MiniLM that learns the teacher's opinion of texts and people's labels.

Three losses: the teacher's probabilities, softened by a temperature (Hinton et al. 2015); the
labels of the data set; and the teacher's features, through a linear map that is thrown away
afterwards (Romero et al. 2015).
"""

import random
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inference.sentiment.classifier import EMOTIONS, INTENTS
from inference.sentiment.distillation import data
from inference.sentiment.distillation.data import Example
from inference.sentiment.distillation.model import Scorer
from inference.sentiment.distillation.teacher import EMOTION, INTENT, Marks, label_loss, own, sample
from inference.training.body import without_dropout
from inference.training.fitting import Loss, Recipe, Say, accelerator, fit
from inference.training.tokens import Batch, Tokens

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
SOFT, HARD, FEATURES = 0.6, 0.4, 1.0


@dataclass(frozen=True)
class Lesson:
    """Texts with the teacher's opinion of them: logits of the sentiment (texts, 3) and of the
    intents (texts, 11), features (texts, 768)."""

    examples: list[Example]
    logits: Tensor
    intents: Tensor
    features: Tensor


def examples(folder: Path, rng: random.Random) -> list[Example]:
    return data.in_dialects(sample(folder, SHARES, rng), rng) + own(rng)


class Pupil(nn.Module):
    """The student in training, with a map to the teacher's features."""

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
    emotions = Marks([example.emotions for example in lesson.examples], len(EMOTIONS))
    intents = Marks([example.intents for example in lesson.examples], len(INTENTS))
    soft = torch.softmax(lesson.logits / TEMPERATURE, dim=1)
    wanted = torch.sigmoid(lesson.intents)
    functional = nn.functional

    def value(pupil: Pupil, batch: Batch) -> Tensor:
        rows = batch.rows
        features = pupil.scorer.features(batch.ids, batch.mask)
        logits, hints, wants = (head.float() for head in pupil.scorer.heads(features))
        soft_loss = functional.kl_div(
            torch.log_softmax(logits / TEMPERATURE, dim=1),
            soft[rows].to(device),
            reduction="batchmean",
        )
        intent_loss = functional.binary_cross_entropy_with_logits(wants, wanted[rows].to(device))
        similarity = functional.cosine_similarity(
            pupil.map(features).float(), lesson.features[rows].float().to(device)
        )
        return (
            SOFT * TEMPERATURE**2 * soft_loss
            + HARD * label_loss(logits, labels[rows])
            + FEATURES * (1 - similarity.mean())
            + EMOTION * emotions.loss(hints, rows)
            + INTENT * (SOFT * intent_loss + HARD * intents.loss(wants, rows))
        )

    return value
