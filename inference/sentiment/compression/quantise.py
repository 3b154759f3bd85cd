"""The scorer's graph for ONNX Runtime, in 32 bits or 8. Features only: the heads stay outside."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.export import row_scaled
from inference.sentiment.distillation.model import Scorer

# What static quantisation measures its ranges on.
CALIBRATION_TEXTS = 200


class Features(nn.Module):
    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.scorer = scorer

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        body = self.scorer.body
        real = mask.to(torch.float32)
        if body.config.model_type == "bert":
            # Given with four dimensions it is added to the scores as it is: a simpler graph.
            penalty = (1.0 - real[:, None, None, :]) * -1e4
            hidden = body(ids, penalty, torch.zeros_like(ids)).last_hidden_state
        else:
            hidden = body(ids, attention_mask=mask).last_hidden_state
        return (hidden * real[..., None]).sum(1) / real.sum(1, keepdim=True).clamp(min=1.0)


def to_onnx(scorer: Scorer, target: Path, scale_rows: bool) -> None:
    """scale_rows: for eight bits, see `inference.export.row_scaled`. Changes the scorer."""
    body = scorer.cpu().eval().body
    if body.config.model_type == "bert":
        body.set_attn_implementation("eager")
    if scale_rows:
        for layer in body.encoder.layer:
            for part in (layer.attention.output, layer.intermediate, layer.output):
                part.dense = row_scaled(part.dense)
    ids = torch.randint(5, 900, (2, 7))
    rows, tokens = torch.export.Dim("rows", max=4096), torch.export.Dim("tokens", max=512)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Features(scorer),
            (ids, torch.ones_like(ids)),
            target,
            input_names=["ids", "mask"],
            output_names=["features"],
            dynamic_shapes=({0: rows, 1: tokens}, {0: rows, 1: tokens}),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def dynamic(source: Path, target: Path) -> None:
    """Weights in eight bits, activations in eight bits with ranges found at each message."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(source, target, weight_type=QuantType.QInt8, per_channel=True)


def static(source: Path, target: Path, windows: Iterable[list[int]]) -> None:
    """As `dynamic`, with the activations' ranges measured once, on token ids of some texts."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.windows = iter(windows)

        def get_next(self) -> dict[str, Any] | None:
            window = next(self.windows, None)
            if window is None:
                return None
            ids = np.array([window], np.int64)
            return {"ids": ids, "mask": np.ones_like(ids)}

    quantize_static(
        source,
        target,
        Reader(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gather"],
    )
