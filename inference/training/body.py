"""The transformer below the heads, and what of it is trained."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import AutoModel


def from_folder(folder: Path) -> Any:
    return AutoModel.from_pretrained(folder, add_pooling_layer=False)


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of the last layer over the real tokens: (rows, width)."""
    real = mask[..., None].to(hidden.dtype)
    return (hidden * real).sum(1) / real.sum(1).clamp(min=1)


def freeze(body: Any, layers: int) -> None:
    """Freeze the embeddings and the lowest layers: less to compute, and little is lost."""
    for part in [body.embeddings, *body.encoder.layer[:layers]]:
        part.requires_grad_(False)


def without_dropout(model: nn.Module) -> None:
    """Switch dropout off: one pass over the data cannot overfit, and dropout takes time."""
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
