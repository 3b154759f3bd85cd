"""Structured pruning of layers, neurons, and words that customers hardly use."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from inference.sentiment.distillation.model import Scorer
from inference.training.tokens import Batch


def keep_layers(scorer: Scorer, layers: list[int]) -> Scorer:
    """Keep only these layers, with their weights."""
    encoder = scorer.body.encoder
    encoder.layer = nn.ModuleList([encoder.layer[number] for number in layers])
    scorer.body.config.num_hidden_layers = len(layers)
    return scorer


def keep_neurons(scorer: Scorer, count: int, batches: Iterable[Batch]) -> Scorer:
    """Keep, in each feed-forward part, the neurons that contribute most on some texts.

    A neuron contributes its mean activation times the length of its outgoing weights.
    """
    layers = list(scorer.body.encoder.layer)
    active = [torch.zeros(layer.output.dense.in_features) for layer in layers]

    def watch(number: int) -> Any:
        def seen(module: nn.Module, inputs: Any, output: Tensor) -> None:
            active[number] += output.float().abs().mean(dim=(0, 1))

        return seen

    hooks = [layer.intermediate.register_forward_hook(watch(i)) for i, layer in enumerate(layers)]
    with torch.inference_mode():
        for batch in batches:
            scorer.features(batch.ids, batch.mask)
    for hook in hooks:
        hook.remove()
    for layer, mean in zip(layers, active, strict=True):
        rows = (mean * layer.output.dense.weight.norm(dim=0)).topk(count).indices.sort().values
        _narrow(layer, rows)
    scorer.body.config.intermediate_size = count
    return scorer


def _narrow(layer: Any, rows: Tensor) -> None:
    into, out = layer.intermediate.dense, layer.output.dense
    narrow_in, narrow_out = (
        nn.Linear(into.in_features, len(rows)),
        nn.Linear(len(rows), out.out_features),
    )
    with torch.no_grad():
        narrow_in.weight.copy_(into.weight[rows])
        narrow_in.bias.copy_(into.bias[rows])
        narrow_out.weight.copy_(out.weight[:, rows])
        narrow_out.bias.copy_(out.bias)
    layer.intermediate.dense, layer.output.dense = narrow_in, narrow_out


def used_words(tokenizer: Tokenizer, texts: Iterable[str], least: int) -> set[str]:
    """Return the pieces that occur at least so often, and every piece of one character.

    The latter spell any word that is no longer a piece of its own.
    """
    counts = Counter(piece for text in tokenizer.encode_batch(list(texts)) for piece in text.tokens)
    known = tokenizer.get_vocab()
    single = {piece for piece in known if len(piece.removeprefix("##")) == 1}
    special = {piece for piece in known if piece in {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}}
    return single | special | {piece for piece, count in counts.items() if count >= least}


def keep_words(scorer: Scorer, source: Path, words: set[str], target: Path) -> Scorer:
    """Remove the other words from the embedding, and from the tokenizer written to `target`."""
    described = json.loads(source.read_text())
    old: dict[str, int] = described["model"]["vocab"]
    kept = sorted((piece for piece in old if piece in words), key=lambda piece: old[piece])
    renumbered = {piece: number for number, piece in enumerate(kept)}
    described["model"]["vocab"] = renumbered
    _renumber(described, renumbered)
    target.write_text(json.dumps(described, ensure_ascii=False))
    rows = torch.tensor([old[piece] for piece in kept])
    embedding = scorer.body.embeddings.word_embeddings
    smaller = nn.Embedding.from_pretrained(embedding.weight.data[rows].clone(), freeze=False)
    scorer.body.embeddings.word_embeddings = smaller
    scorer.body.config.vocab_size = len(kept)
    return scorer


def _renumber(described: dict[str, Any], numbers: dict[str, int]) -> None:
    """Renumber the special tokens wherever the tokenizer's file repeats their ids."""
    for token in described["added_tokens"]:
        token["id"] = numbers[token["content"]]
    for name, token in described["post_processor"].get("special_tokens", {}).items():
        token["ids"] = [numbers[name]]
    for name in ("sep", "cls"):
        if name in described["post_processor"]:
            word = described["post_processor"][name][0]
            described["post_processor"][name] = [word, numbers[word]]
    if described.get("padding"):
        described["padding"]["pad_id"] = numbers[described["padding"]["pad_token"]]
