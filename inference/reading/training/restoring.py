"""Turns the reranker's delivered weights, in eight bits, back into a model to train further.

Rounding to eight bits moves the vectors little: the cosine of a token's vector before and after is
0.997 or more (2026-11-29). So a site can train on its own questions without the original weights.
"""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from inference.reading.training.reranking import Together
from inference.training import body

# The exporter names these three weights of each layer by their place in the graph.
NAMELESS = ("query", "key", "value")


def restored(start: Path, weights: Path) -> Together:
    """Return the model. start: a folder with a transformer of the same form; weights: the
    reranker's."""
    model = Together(body.from_folder(start))
    stored = unrounded(weights / "model.int8.onnx")
    state = model.state_dict()
    unnamed = iter(sorted((name for name in stored if f"{name}_scale" in stored), key=place))
    found = {name: stored[name] for name in state if name in stored}
    for layer in range(model.body.config.num_hidden_layers):
        for part in NAMELESS:
            name = f"body.encoder.layer.{layer}.attention.self.{part}.weight"
            found[name] = stored[next(unnamed)].T
        for part in ("attention.output", "intermediate", "output"):
            name = f"body.encoder.layer.{layer}.{part}.dense.weight"
            found[name] = stored[name].T
    found["weight.weight"] = stored[next(unnamed)].T
    found["out.weight"] = stored["out.weight_Transposed"].T
    found["scales"] = torch.stack([stored["select"], stored["select_1"]])
    model.load_state_dict(state | found)
    return model


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


def place(name: str) -> tuple[int, int]:
    """Sort weights that the exporter numbered ("val_28") before those with a name."""
    head, _, number = name.rpartition("_")
    return (0, int(number)) if head == "val" else (1, 0)
