"""The reader while it is trained: the graph that `inference.reading.reader` runs, in torch."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from inference.encoder import batches
from inference.reading import reader
from inference.reading.training.data import Lesson
from inference.training import body

Ids = list[int]
# The values that training starts from; the manifest has the trained ones.
BY_MEANING, BY_WORDS, NEAR = 20.0, 10.0, 12.0


@dataclass(frozen=True)
class Texts:
    """Questions and the passages of one lesson, as token ids."""

    questions: list[Ids]
    passages: list[Ids]
    # The line of each token of all passages together, -1 for titles and marks.
    lines: list[Tensor]
    # (questions, lines): which lines answer.
    right: Tensor
    # (questions, lines): the lines that the person who asks may not see.
    unseen: Tensor

    def to(self, device: torch.device) -> "Texts":
        moved = (self.right.to(device), self.unseen.to(device))
        return Texts(self.questions, self.passages, self.lines, *moved)


class Lessons:
    """Batches of questions about the same passages."""

    def __init__(self, file: Path, lessons: Sequence[Lesson]) -> None:
        self.lessons = lessons
        tokenizer = reader.tokenizer_of(file)
        self.laid = [laid(tokenizer, lesson) for lesson in lessons]
        self.asked = [
            (number, at) for number, lesson in enumerate(lessons) for at in range(len(lesson.asked))
        ]

    def shuffled(self, size: int, seed: int) -> list[list[int]]:
        """Deal out the questions of each lesson in portions of about `size`, in random order."""
        rng, found, first = random.Random(seed), [], 0
        for lesson in self.lessons:
            rows = rng.sample(range(first, first + len(lesson.asked)), len(lesson.asked))
            count = max(1, round(len(rows) / size))
            found += [rows[start::count] for start in range(count)]
            first += len(lesson.asked)
        rng.shuffle(found)
        return found

    def batch(self, rows: list[int]) -> Texts:
        questions, passages, lines = self.laid[self.asked[rows[0]][0]]
        lesson = self.lessons[self.asked[rows[0]][0]]
        places = [self.asked[row][1] for row in rows]
        count = sum(len(own) for _, own in lesson.passages)
        right, unseen = torch.zeros(2, len(rows), count, dtype=torch.bool)
        for row, place in enumerate(places):
            right[row, list(lesson.asked[place].right)] = True
            unseen[row, list(lesson.asked[place].unseen)] = True
        return Texts([questions[place] for place in places], passages, lines, right, unseen)


def laid(tokenizer: Tokenizer, lesson: Lesson) -> tuple[list[Ids], list[Ids], list[Tensor]]:
    questions = [reader.question_ids(tokenizer, one.question) for one in lesson.asked]
    passages, owners, before = [], [], 0
    for title, lines in lesson.passages:
        ids, spans = reader.passage_ids(tokenizer, title, lines)
        owner = torch.full((len(ids),), -1)
        for place, (begin, end) in enumerate(reader.within(spans, len(ids))):
            owner[begin:end] = before + place
        passages.append(ids)
        owners.append(owner)
        before += len(lines)
    return questions, passages, owners


class Matcher(nn.Module):
    """Scores each line against each question. A line is near from `near` on."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.body = transformer
        self.weight = nn.Linear(transformer.config.hidden_size, 1)
        nn.init.zeros_(self.weight.weight)
        nn.init.zeros_(self.weight.bias)
        self.scales = nn.Parameter(torch.tensor([BY_MEANING, BY_WORDS]))
        self.near = nn.Parameter(torch.tensor(NEAR))

    @classmethod
    def from_folder(cls, folder: Path) -> "Matcher":
        return cls(body.from_folder(folder))

    def forward(self, texts: Texts) -> Tensor:
        """Return (questions, lines)."""
        asked, told = self.hidden(texts.questions), self.hidden(texts.passages)
        # Only the transformer may compute in 16 bits: cosines of near lines would be equal.
        with torch.autocast(self.near.device.type, enabled=False):
            return self.scores(asked, told, texts)

    def scores(self, asked: list[Tensor], told: list[Tensor], texts: Texts) -> Tensor:
        """Return (questions, lines), from the vectors of the tokens of each text."""
        device = self.near.device
        lines = torch.cat(texts.lines).to(device)
        tokens, lines = torch.cat(told)[lines >= 0], lines[lines >= 0]
        count = texts.right.shape[1]
        sums = torch.zeros(count, tokens.shape[1], device=device).index_add(0, lines, tokens)
        means = torch.stack([one.mean(0) for one in asked])
        by_meaning = unit(means) @ unit(sums).T
        words = torch.cat([one[1:] for one in asked])
        owner = torch.cat([torch.full((len(one) - 1,), at) for at, one in enumerate(asked)])
        owner = owner.to(device)
        weights = torch.exp(self.weight(words).squeeze(-1).clamp(-3, 3))
        weights = (
            weights / torch.zeros(len(asked), device=device).index_add(0, owner, weights)[owner]
        )
        pairs = unit(words) @ unit(tokens).T
        nearest = torch.full((len(words), count), -1.0, device=device).scatter_reduce(
            1, lines[None].expand(len(words), -1), pairs, "amax"
        )
        by_words = torch.zeros(len(asked), count, device=device)
        by_words = by_words.index_add(0, owner, nearest * weights[:, None])
        return self.scales[0] * by_meaning + self.scales[1] * by_words

    def hidden(self, texts: Sequence[Ids]) -> list[Tensor]:
        """Return the vectors of the tokens of each text."""
        found: list[Tensor] = [self.near] * len(texts)
        for rows in batches([len(ids) for ids in texts], 48):
            width = max(len(texts[row]) for row in rows)
            ids = torch.zeros(len(rows), width, dtype=torch.long, device=self.near.device)
            mask = torch.zeros_like(ids)
            for at, row in enumerate(rows):
                ids[at, : len(texts[row])] = torch.tensor(texts[row])
                mask[at, : len(texts[row])] = 1
            last = self.body(ids, attention_mask=mask).last_hidden_state.float()
            for at, row in enumerate(rows):
                found[row] = last[at, : len(texts[row])]
        return found


def unit(rows: Tensor) -> Tensor:
    return nn.functional.normalize(rows, dim=-1)


def loss(model: Matcher, texts: Texts) -> Tensor:
    """Return the loss: the lines that answer must be the nearest of all, and they alone near."""
    scores, right = model(texts).masked_fill(texts.unseen, -1e4), texts.right
    answered = right.any(1)
    best = torch.logsumexp(scores.masked_fill(~right, -1e4), 1)[answered]
    others = scores.masked_fill(right, -1e4).topk(2, dim=1).values.flatten()
    first = (torch.logsumexp(scores[answered], 1) - best).mean()
    softly = nn.functional.softplus
    near = softly((model.near - best) / 2).mean() + softly((others - model.near) / 2).mean()
    return first + near / 2
