"""The training loop of teacher and student, with batches by length and checkpoints."""

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from inference.sentiment.distillation.model import Scorer

MAX_TOKENS = 96
CHECKPOINT_SECONDS = 180

Say = Callable[[str], None]


@dataclass(frozen=True)
class Batch:
    ids: Tensor
    mask: Tensor
    rows: Tensor  # the texts' numbers, by which a loss finds its targets


Loss = Callable[[Any, Batch], Tensor]


class Tokens:
    """The token ids of texts, in batches of similar length."""

    def __init__(self, file: Path, texts: Sequence[str]) -> None:
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MAX_TOKENS)
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
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, : len(self.ids[row])] = torch.tensor(self.ids[row])
            mask[place, : len(self.ids[row])] = 1
        return Batch(ids, mask, torch.tensor(rows))


@dataclass
class Recipe:
    rate: float
    epochs: int = 1
    size: int = 32
    seed: int = 7
    warmup: float = 0.06


def fit(
    model: nn.Module, tokens: Tokens, loss: Loss, recipe: Recipe, checkpoint: Path, say: Say
) -> None:
    """Train in place. An interrupted run continues from `checkpoint`."""
    run = _Run(model, tokens, loss, recipe)
    done = first = run.resume(checkpoint)
    began = saved = time.monotonic()
    for rows in run.batches[first:]:
        value = run.step(tokens.batch(rows))
        done += 1
        if done % 50 == 1:
            left = (time.monotonic() - began) / (done - first) * (len(run.batches) - done) / 60
            say(f"step {done} of {len(run.batches)}, loss {value:.3f}, {left:.0f} min left")
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            run.save(checkpoint, done)
            saved = time.monotonic()
    model.eval()
    with suppress(FileNotFoundError):
        checkpoint.unlink()


class _Run:
    def __init__(self, model: nn.Module, tokens: Tokens, loss: Loss, recipe: Recipe) -> None:
        self.device = accelerator()
        self.model, self.loss, self.seed = model.to(self.device).train(), loss, recipe.seed
        epochs = range(recipe.seed, recipe.seed + recipe.epochs)
        self.batches = [rows for seed in epochs for rows in tokens.shuffled(recipe.size, seed)]
        self.trained = [part for part in model.parameters() if part.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=recipe.rate, weight_decay=0.01, fused=True
        )
        slope = _slope(len(self.batches), recipe.warmup)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, slope)
        self.smooth: float | None = None

    def step(self, batch: Batch) -> float:
        """Train on a batch and return the loss, smoothed over some fifty steps."""
        moved = Batch(batch.ids.to(self.device), batch.mask.to(self.device), batch.rows)
        with torch.autocast(self.device.type, torch.bfloat16):
            value = self.loss(self.model, moved)
        value.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad(set_to_none=True)
        now = value.item()
        self.smooth = now if self.smooth is None else 0.98 * self.smooth + 0.02 * now
        return self.smooth

    @property
    def parts(self) -> dict[str, Any]:
        return {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}

    def save(self, path: Path, step: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        states = {name: part.state_dict() for name, part in self.parts.items()}
        torch.save(states | {"step": step}, draft)
        draft.replace(path)

    def resume(self, path: Path) -> int:
        """Load a checkpoint and return the number of finished steps."""
        torch.manual_seed(self.seed)
        if not path.exists():
            return 0
        saved = torch.load(path, weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        return int(saved["step"])


@dataclass(frozen=True)
class Scores:
    """The scores of texts, in order: `logits` (texts, 3), `emotions` (texts, 4), `features`."""

    logits: Tensor
    emotions: Tensor
    features: Tensor


@torch.inference_mode()
def scores(model: Scorer, tokens: Tokens, say: Say) -> Scores:
    device = accelerator()
    model.to(device).eval()
    features = torch.zeros(len(tokens.ids), model.sentiment.in_features, dtype=torch.float16)
    for number, batch in enumerate(tokens.in_order()):
        with torch.autocast(device.type, torch.bfloat16):
            batch_features = model.features(batch.ids.to(device), batch.mask.to(device))
        features[batch.rows] = batch_features.half().cpu()
        if number % 100 == 0:
            say(f"scored {number * 64} of {len(tokens.ids)}, short ones first")
    wide = features.float().to(device)
    return Scores(model.sentiment(wide).cpu(), model.emotion(wide).cpu(), features)


def accelerator() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _slope(steps: int, warmup: float) -> Callable[[int], float]:
    """Make a schedule of linear warm-up, then cosine decay to zero."""
    warm = max(1, int(steps * warmup))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return factor
