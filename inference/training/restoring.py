"""Turns a transformer's delivered weights, in eight bits, back into those of a model to train.

Rounding to eight bits moves the vectors little: the cosine of the reader's token vectors before and
after is 0.997 or more (2026-11-29). So training can go on without the original weights.
"""

from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

# The exporter names these three weights of each layer by their place in the graph.
NAMELESS = ("query", "key", "value")
NAMED = ("attention.output", "intermediate", "output")


def unrounded(file: Path) -> dict[str, Tensor]:
    """Return the graph's parameters by name; those in eight bits multiplied by their scales."""
    arrays = {one.name: numpy_helper.to_array(one) for one in onnx.load(file).graph.initializer}
    found = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    whole = {}
    for name in arrays:
        if name.endswith("_quantized"):
            stem = name.removesuffix("_quantized")
            steps = found[name].float() - found[f"{stem}_zero_point"].float()
            whole[stem] = steps * found[f"{stem}_scale"]
    return found | whole


def nameless(stored: Mapping[str, Tensor]) -> list[str]:
    """Return the names of the rounded weights in the order of the graph: those that the exporter
    numbered ("val_28") before those with a name."""
    return sorted((name for name in stored if f"{name}_scale" in stored), key=_place)


def _place(name: str) -> tuple[int, int]:
    head, _, number = name.rpartition("_")
    return (0, int(number)) if head == "val" else (1, 0)


def transformer(stored: Mapping[str, Tensor], prefix: str, layers: int) -> dict[str, Tensor]:
    """Return the weights of a BERT by their own names. prefix: before these names in the graph."""
    found = {
        name.removeprefix(prefix): value
        for name, value in stored.items()
        if name.startswith(prefix) and not name.endswith(("_quantized", "_scale", "_zero_point"))
    }
    numbered = iter(nameless(stored))
    for layer in range(layers):
        for part in NAMELESS:
            name = f"encoder.layer.{layer}.attention.self.{part}.weight"
            found[name] = stored[next(numbered)].T
        for part in NAMED:
            name = f"encoder.layer.{layer}.{part}.dense.weight"
            found[name] = found[name].T
    return found
