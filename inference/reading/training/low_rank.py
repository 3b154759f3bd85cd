"""The large reranker's transformer: all-mpnet-base-v2 with a trained low-rank adapter.

The published model is 438 MB, too large for the repository. So each linear layer keeps its
published weights and learns a low-rank update beside them (LoRA, arXiv 2106.09685). These updates,
11 MB, are delivered; `large.py` adds them to the published model where Attune is installed.
"""

from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from inference.models import export
from inference.models.sources import digest
from inference.reading.training.reranking import Together
from inference.training import body

# A full-rank update puts the right line first for 1,000 of 1,377 held-out questions; cut to rank
# 64, for 996, and to rank 32, for 984 (2026-11-30).
RANK = 64
FACTORS = (".down", ".up")
Part = TypeVar("Part", bound=nn.Module)
# Part of the name: raise it whenever `join` or the export changes the scores.
RECIPE = "int8-1"


class Mpnet(nn.Module):
    """all-mpnet-base-v2 with the inputs that `Together` gives a transformer."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        model = body.from_folder(folder)
        self.config = model.config
        self.embeddings, self.encoder = model.embeddings, model.encoder

    def forward(self, ids: Tensor, penalty: Tensor, second: Tensor) -> tuple[Tensor]:
        """Return the vector of each token. MPNet has no token types, so `second` is not used."""
        # MPNet's position ids start at 2.
        places = torch.arange(2, ids.shape[1] + 2, device=ids.device).expand(ids.shape)
        begun = self.embeddings(input_ids=ids, position_ids=places)
        return (self.encoder(begun, attention_mask=penalty)[0],)


class LowRank(nn.Module):
    """A frozen linear layer with a trainable low-rank update."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))
        linear.weight.requires_grad_(False)

    def forward(self, rows: Tensor) -> Tensor:
        learned: Tensor = self.linear(rows) + (rows @ self.down.T) @ self.up.T
        return learned

    def added(self) -> nn.Linear:
        """Merge the update into the layer, and return it."""
        with torch.no_grad():
            self.linear.weight += self.up @ self.down
        return self.linear


def adapted(folder: Path, rank: int = RANK) -> Together:
    """Build the model to train. folder: all-mpnet-base-v2."""
    model = Together(Mpnet(folder))
    for parent, name, part in parts_of(model, nn.Linear):
        setattr(parent, name, LowRank(part, rank))
    model.body.embeddings.requires_grad_(False)
    return model


def parts_of(model: Together, kind: type[Part]) -> list[tuple[nn.Module, str, Part]]:
    """Return the layers of this kind in the transformer, as (parent, name, layer)."""
    return [
        (parent, name, part)
        for parent in model.body.encoder.modules()
        for name, part in parent.named_children()
        if isinstance(part, kind)
    ]


def name_of(file: Path) -> str:
    """Return the name of the model with this adapter."""
    return f"large-reranker@{digest(file)[:12]}+{RECIPE}"


def write(model: Together, file: Path) -> None:
    """Write what was trained: factors in 8 bits with a scale for each row, the rest in 16 bits."""
    kept = {}
    for name, value in model.named_parameters():
        if name.endswith(FACTORS):
            step = value.detach().abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
            kept[name] = (value.detach() / step).round().to(torch.int8)
            kept[f"{name}.step"] = step
        elif value.requires_grad:
            kept[name] = value.detach().half()
    draft = file.with_name(f"draft-{file.name}")
    np.savez(draft, **{name: value.numpy() for name, value in kept.items()})
    draft.replace(file)


def restore(model: Together, file: Path) -> None:
    """Load a written adapter into the model."""
    with np.load(file) as stored:
        kept = {name: torch.from_numpy(stored[name]) for name in stored.files}
    steps = {name: kept.pop(f"{name}.step") for name in [*kept] if name.endswith(FACTORS)}
    state = {name: value.float() * steps.get(name, 1.0) for name, value in kept.items()}
    unknown = model.load_state_dict(state, strict=False).unexpected_keys
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    if unknown or trained - state.keys():
        raise ValueError(f"{file} does not fit this model; it is from another version.")


def join(model: Together) -> None:
    """Merge the updates into the linear layers, and prepare these for 8 bits.

    Each layer scales its rows: with one quantisation scale for all tokens, as in MiniLM's
    attention, the scores would be worthless (right line first for 0.50 of the hard questions
    instead of 0.67).
    """
    for parent, name, part in parts_of(model, LowRank):
        setattr(parent, name, export.row_scaled(part.added()))
