"""The training loop: warm-up, decay, and checkpoints from which an interrupted run goes on."""

import math
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inference.training.tokens import Lessons, Movable

CHECKPOINT_SECONDS = 180

Say = Callable[[str], None]
Loss = Callable[[Any, Any], Tensor]


@dataclass
class Recipe:
    rate: float
    epochs: int = 1
    size: int = 32
    seed: int = 7
    warmup: float = 0.06


def fit(
    model: nn.Module, lessons: Lessons, loss: Loss, recipe: Recipe, checkpoint: Path, say: Say
) -> None:
    """Train in place. An interrupted run continues from `checkpoint`."""
    run = _Run(model, lessons, loss, recipe)
    done = first = run.resume(checkpoint)
    began = saved = time.monotonic()
    for rows in run.batches[first:]:
        value = run.step(lessons.batch(rows))
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
    def __init__(self, model: nn.Module, lessons: Lessons, loss: Loss, recipe: Recipe) -> None:
        self.device = accelerator()
        self.model, self.loss, self.seed = model.to(self.device).train(), loss, recipe.seed
        epochs = range(recipe.seed, recipe.seed + recipe.epochs)
        self.batches = [rows for seed in epochs for rows in lessons.shuffled(recipe.size, seed)]
        # Tells an unfinished training on more or fewer lessons apart, which would skip some of
        # these. Lessons of the same number look the same.
        self.digest = zlib.crc32(repr(self.batches).encode())
        self.trained = [part for part in model.parameters() if part.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained, lr=recipe.rate, weight_decay=0.01, fused=True
        )
        slope = _slope(len(self.batches), recipe.warmup)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, slope)
        self.smooth: float | None = None

    def step(self, batch: Movable) -> float:
        """Train on a batch and return the loss, smoothed over some fifty steps."""
        with half_precision(self.device):
            value = self.loss(self.model, batch.to(self.device))
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
        torch.save(states | {"step": step, "batches": self.digest}, draft)
        draft.replace(path)

    def resume(self, path: Path) -> int:
        """Load a checkpoint of the same batches and return the number of finished steps."""
        torch.manual_seed(self.seed)
        if not path.exists():
            return 0
        saved = torch.load(path, weights_only=True)
        if saved.get("batches") != self.digest:
            return 0
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        return int(saved["step"])


def accelerator() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def half_precision(device: torch.device) -> torch.autocast:
    """Compute in 16 bits where that is faster. Without AVX-512, a CPU computes seventy times
    slower in 16 bits than in 32 (28 November 2026, AMD EPYC with AVX2)."""
    able = device.type != "cpu" or "avx512" in torch.backends.cpu.get_cpu_capability().lower()
    return torch.autocast(device.type, torch.bfloat16, enabled=able)


def _slope(steps: int, warmup: float) -> Callable[[int], float]:
    """Make a schedule of linear warm-up, then cosine decay to zero."""
    warm = max(1, int(steps * warmup))

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    return factor
