"""Makes a sentence encoder small and fast: from safetensors to ONNX with int8 weights.

`python -m inference.models.export FOLDER` converts a folder with all-MiniLM-L6-v2. It is a separate
process because it loads torch.
"""

import argparse
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.models.sources import digest

if TYPE_CHECKING:
    import torch

# Part of the encoder's name: raise it whenever the steps below change the vectors.
RECIPE = "int8-2"


def export(folder: Path) -> Path:
    """Write `model.int8.onnx` and, last, `manifest.json` into `folder`."""
    module, target = _sentence_encoder(folder), folder / "model.int8.onnx"
    dimension = int(module.body.config.hidden_size)
    write_graph(module, target, ["input_ids", "attention_mask"], "sentence_embedding")
    manifest = _manifest(folder, target, dimension)
    draft = folder / f"manifest.json.{os.getpid()}"
    draft.write_text(json.dumps(manifest, indent=1) + "\n")
    draft.replace(folder / "manifest.json")
    return target


def _manifest(folder: Path, model: Path, dimension: int) -> dict[str, str | int]:
    weights = digest(folder / "model.safetensors")
    return {
        "name": f"all-MiniLM-L6-v2@{weights[:8]}+{RECIPE}",
        "dimension": dimension,
        "weights_sha256": weights,
        "model_sha256": digest(model),
        "bytes": model.stat().st_size,
    }


def _sentence_encoder(folder: Path) -> Any:
    """Build the transformer with mean pooling and unit length: token ids to sentence vectors."""
    import torch
    from transformers import AutoModel

    class SentenceEncoder(torch.nn.Module):
        def __init__(self, body: torch.nn.Module) -> None:
            super().__init__()
            self.body = body

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            mask = attention_mask.to(torch.float32)
            # With four dimensions it is added to the scores unchanged: a simpler graph.
            penalty = (1.0 - mask[:, None, None, :]) * -1e4
            kinds = torch.zeros_like(input_ids)
            hidden = self.body(input_ids, penalty, kinds).last_hidden_state
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1.0)
            return torch.nn.functional.normalize(mean, dim=1)

    body = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    scale_rows(body)
    return SentenceEncoder(body)


def scale_rows(body: Any) -> None:
    """Replace, before the quantisation, every layer that benefits from `row_scaled`."""
    for layer in body.encoder.layer:
        for part in (layer.attention.output, layer.intermediate, layer.output):
            part.dense = row_scaled(part.dense)


def row_scaled(linear: "torch.nn.Linear") -> "torch.nn.Module":
    """Build the same linear map, which first scales each token to the range [-1, 1].

    Dynamic quantisation has one step size for all tokens of a batch. A few tokens of
    these layers are ten times as large as the others, which would leave those only four bits.
    """
    import torch

    class RowScaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(linear.weight.data.T.contiguous())
            self.bias = linear.bias

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            largest = rows.abs().amax(-1, keepdim=True).clamp(min=1e-6)
            return torch.matmul(rows / largest, self.weight) * largest + self.bias

    return RowScaled()


def write_graph(module: "torch.nn.Module", target: Path, inputs: list[str], output: str) -> None:
    """Write the module's graph in eight bits; `target` is never half written."""
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        plain, draft = Path(work) / "plain.onnx", Path(work) / target.name
        to_onnx(module.cpu().eval(), plain, inputs, output)
        quantise(plain, draft)
        draft.replace(target)


def to_onnx(module: "torch.nn.Module", target: Path, inputs: list[str], output: str) -> None:
    """Export a module that takes token ids and masks, all (rows, tokens)."""
    import torch

    ids = torch.randint(5, 1000, (2, 7))
    masks = [torch.ones_like(ids) for _ in inputs[1:]]
    rows, tokens = torch.export.Dim("rows", max=4096), torch.export.Dim("tokens", max=512)
    torch.onnx.export(
        module,
        (ids, *masks),
        target,
        input_names=inputs,
        output_names=[output],
        dynamic_shapes=tuple({0: rows, 1: tokens} for _ in inputs),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # All eight bits: processors without VNNI add pairs of products in 16 bits, where only some 2
    # pairs in 100,000 of this model are large enough to overflow.
    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    warnings.simplefilter("ignore")
    print(export(folder))


if __name__ == "__main__":
    main()
