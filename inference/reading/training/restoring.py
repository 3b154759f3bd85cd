"""Turns the delivered weights of the reader and of the reranker back into models to train further,
so that a site can train on its own questions without the original weights."""

import json
from pathlib import Path

import torch

from inference.reading.training.model import Matcher
from inference.reading.training.reranking import Together
from inference.training import body
from inference.training.restoring import nameless, transformer, unrounded


def restored(start: Path, weights: Path) -> Together:
    """Return the model. start: a folder with a transformer of the same form; weights: the
    reranker's."""
    model = Together(body.from_folder(start))
    stored = unrounded(weights / "model.int8.onnx")
    layers = model.body.config.num_hidden_layers
    state = model.state_dict()
    found = {name: stored[name] for name in state if name in stored}
    found |= {f"body.{name}": value for name, value in transformer(stored, "body.", layers).items()}
    # The three of each layer come before it.
    found["weight.weight"] = stored[nameless(stored)[3 * layers]].T
    found["out.weight"] = stored["out.weight_Transposed"].T
    found["scales"] = torch.stack([stored["select"], stored["select_1"]])
    # Only the loss uses `near`, so the graph has none.
    if missing := state.keys() - found.keys() - {"near"}:
        raise ValueError(f"{weights} lacks {', '.join(sorted(missing))}.")
    model.load_state_dict({name: found.get(name, value) for name, value in state.items()})
    return model


def restored_reader(start: Path, weights: Path) -> Matcher:
    """Return the reader as a model. Only the loss uses `near`, so it begins anew."""
    model = Matcher.from_folder(start)
    stored = unrounded(weights / "model.int8.onnx")
    layers = model.body.config.num_hidden_layers
    found = transformer(stored, "body.", layers)
    # The graph also has constants, such as the places of tokens.
    model.body.load_state_dict({name: found[name] for name in model.body.state_dict()})
    manifest = json.loads((weights / "manifest.json").read_text())
    *words, bias = manifest["word_weights"]
    with torch.no_grad():
        model.scales.copy_(torch.tensor(manifest["scales"]))
        model.weight.weight.copy_(torch.tensor([words]))
        model.weight.bias.fill_(bias)
    return model
