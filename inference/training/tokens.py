"""Token ids of texts, in batches of similar length."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """ids and mask: (texts, longest)."""

    ids: Tensor
    mask: Tensor
    rows: Tensor  # the rows' numbers, by which a loss finds its targets

    def to(self, device: torch.device) -> "Batch":
        return Batch(self.ids.to(device), self.mask.to(device), self.rows)


class Movable(Protocol):
    def to(self, device: torch.device) -> Any: ...


class Lessons(Protocol):
    """What `fit` goes through: batches of rows, in a fresh order each epoch."""

    def shuffled(self, size: int, seed: int) -> list[list[int]]:
        """Return the rows of each batch of one epoch; the same seed gives the same batches."""

    def batch(self, rows: list[int]) -> Movable: ...


class Tokens:
    """longest: in tokens; the rest of a text is cut off."""

    def __init__(self, file: Path, texts: Sequence[str], longest: int = 96) -> None:
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_padding()
        tokenizer.enable_truncation(longest)
        self.ids = [text.ids for text in tokenizer.encode_batch(list(texts))]
        self.padding = tokenizer.token_to_id("[PAD]") or tokenizer.token_to_id("<pad>") or 0

    def in_order(self, size: int = 64) -> Iterator[Batch]:
        """Yield every text once, short ones first, for scoring."""
        by_length = sorted(range(len(self.ids)), key=lambda row: len(self.ids[row]))
        for start in range(0, len(by_length), size):
            yield self.batch(by_length[start : start + size])

    def shuffled(self, size: int, seed: int) -> list[list[int]]:
        """Return the rows of each batch of one epoch; the same seed gives the same batches."""
        rng = random.Random(seed)
        rows = rng.sample(range(len(self.ids)), len(self.ids))
        batches = []
        for start in range(0, len(rows), 50 * size):
            near = sorted(rows[start : start + 50 * size], key=lambda row: len(self.ids[row]))
            batches += [near[i : i + size] for i in range(0, len(near), size)]
        rng.shuffle(batches)
        return batches

    def batch(self, rows: list[int]) -> Batch:
        longest = max(len(self.ids[row]) for row in rows)
        ids = torch.full((len(rows), longest), self.padding)
        mask = torch.zeros_like(ids)
        for place, row in enumerate(rows):
            length = len(self.ids[row])
            ids[place, :length] = torch.tensor(self.ids[row])
            mask[place, :length] = 1
        return Batch(ids, mask, torch.tensor(rows))
