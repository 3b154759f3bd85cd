"""The reranker while it is trained: on the lines that the reader ranks first, and the right one."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inference.reading import reranker
from inference.reading.reader import Reader, tokenizer_of
from inference.reading.reranker import Titled, arrays, laid
from inference.reading.training.data import Lesson
from inference.training import body

# The values that training starts from; the weights have the trained ones.
BY_MEANING, BY_WORDS, NEAR = 20.0, 10.0, 15.0
# Lines of a question in training, and kept for measuring.
TAUGHT, KEPT = 4, 10


@dataclass(frozen=True)
class Case:
    """A question and the lines that the reader ranks highest, with the reader's scores and what is
    added to the ranks. The reader sets the order of the lines; for training the large reranker, the
    small one does."""

    question: str
    before: str
    lines: tuple[Titled, ...]
    first: tuple[float, ...]
    liked: tuple[float, ...]
    right: tuple[bool, ...]
    # The reader's favourite among the lines that answer; None if nothing answers.
    answer: Titled | None


def cases(reader: Reader, lesson: Lesson) -> Iterator[Case]:
    lines = [(title, line) for title, own in lesson.passages for line in own]
    for one in lesson.asked:
        scores = np.concatenate(reader.scores(one.question, lesson.texts, one.asked_before))
        liked = np.zeros_like(scores)
        for place, more in one.leaning.items():
            liked[place] = more
        ranks = scores + liked
        best = [int(place) for place in np.argsort(-ranks)[:KEPT]]
        answer = max(one.right, key=lambda place: ranks[place], default=None)
        yield Case(
            one.question,
            one.before,
            tuple(lines[place] for place in best),
            tuple(float(scores[place]) for place in best),
            tuple(float(liked[place]) for place in best),
            tuple(place in one.right for place in best),
            None if answer is None else lines[answer],
        )


class Together(nn.Module):
    """Scores pairs of a question and a line, encoded together."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        width = transformer.config.hidden_size
        self.body = transformer
        self.weight, self.out = nn.Linear(width, 1), nn.Linear(2 * width, 1)
        for part in (self.weight, self.out):
            nn.init.zeros_(part.weight)
            nn.init.zeros_(part.bias)
        self.scales = nn.Parameter(torch.tensor([BY_MEANING, BY_WORDS]))
        self.near = nn.Parameter(torch.tensor(NEAR))

    def forward(
        self, ids: Tensor, mask: Tensor, second: Tensor, asked: Tensor, told: Tensor
    ) -> Tensor:
        """Return (pairs,). The inputs are those of `reranker.arrays`."""
        penalty = (1.0 - mask.to(torch.float32)[:, None, None, :]) * -1e4
        hidden = self.body(ids, penalty, second)[0]
        words, line = asked.to(torch.float32), told.to(torch.float32)
        question, answer = mean(hidden, words), mean(hidden, line)
        by_meaning = (unit(question) * unit(answer)).sum(-1)
        near = torch.matmul(unit(hidden), unit(hidden).transpose(1, 2))
        nearest = (near - 4.0 * (1.0 - line[:, None, :])).amax(-1)
        weights = torch.exp(self.weight(hidden).squeeze(-1).clamp(-3, 3)) * words
        by_words = (nearest * weights / weights.sum(1, keepdim=True)).sum(1)
        linear = self.out(torch.cat([question, answer], -1)).squeeze(-1)
        return self.scales[0] * by_meaning + self.scales[1] * by_words + linear


def mean(hidden: Tensor, mask: Tensor) -> Tensor:
    return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1.0)


def unit(rows: Tensor) -> Tensor:
    return nn.functional.normalize(rows, dim=-1)


@dataclass(frozen=True)
class Batch:
    """Pairs of several questions: `counts` of each, the right one first where `answered`."""

    pairs: list[reranker.Pair]
    counts: list[int]
    answered: list[bool]
    device: torch.device | None = None

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.pairs, self.counts, self.answered, device)


class Cases:
    """Batches of cases, in a fresh order each epoch."""

    def __init__(self, tokenizer: Path, cases: Sequence[Case], lines: int = TAUGHT) -> None:
        """lines: how many lines of each question the model reads."""
        self.cases, self.lines = cases, lines
        self.tokenizer = tokenizer_of(tokenizer)

    def shuffled(self, size: int, seed: int) -> list[list[int]]:
        rows = random.Random(seed).sample(range(len(self.cases)), len(self.cases))
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def batch(self, rows: list[int]) -> Batch:
        chosen = [taught(self.cases[row], self.lines) for row in rows]
        pairs = [
            laid(self.tokenizer, self.cases[row].question, line, self.cases[row].before)
            for row, lines in zip(rows, chosen, strict=True)
            for line in lines
        ]
        answered = [self.cases[row].answer is not None for row in rows]
        return Batch(pairs, list(map(len, chosen)), answered)


def taught(case: Case, lines: int) -> list[Titled]:
    """Return the line that answers, if any does, and the first wrong ones."""
    wrong = [line for line, right in zip(case.lines, case.right, strict=True) if not right]
    return [*([case.answer] if case.answer else []), *wrong[: lines - 1]]


def loss(model: Together, batch: Batch) -> Tensor:
    """Return the loss: the line that answers must score highest, and it alone must score high."""
    scores, softly, total = scored(model, batch), nn.functional.softplus, torch.zeros(())
    for own, answered in zip(scores.split(batch.counts), batch.answered, strict=True):
        wrong = own[1:] if answered else own
        if answered:
            total = total + torch.logsumexp(own, 0) - own[0] + softly((model.near - own[0]) / 2) / 2
        if len(wrong):
            worst = wrong.topk(min(2, len(wrong))).values
            total = total + softly((worst - model.near) / 2).mean() / 2
    return total / len(batch.counts)


def scored(model: Together, batch: Batch) -> Tensor:
    """Score pairs of similar length together: less padding to compute."""
    order = sorted(range(len(batch.pairs)), key=lambda place: len(batch.pairs[place].ids))
    third = -(-len(order) // 3)
    parts = []
    for start in range(0, len(order), third):
        inputs = arrays([batch.pairs[place] for place in order[start : start + third]])
        parts.append(model(*(torch.from_numpy(one).to(batch.device) for one in inputs)))
    return torch.cat(parts)[torch.argsort(torch.tensor(order))]


def starting(start: Path, reader: Path) -> Together:
    """Begin with the reader's transformer. start: a folder with a transformer of its form."""
    if not reader.exists():
        raise FileNotFoundError(f"{reader} is missing. Type: manage.py reading_train")
    transformer = body.from_folder(start)
    transformer.load_state_dict(torch.load(reader, weights_only=True))
    return Together(transformer)
