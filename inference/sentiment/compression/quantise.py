"""Exports the scorer's graph to ONNX, in 32 bits or 8. The heads stay outside the graph."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.models import export
from inference.sentiment.distillation.model import Scorer

# Texts on which static quantisation measures its ranges.
CALIBRATION_TEXTS = 200


class Features(nn.Module):
    def __init__(self, scorer: Scorer) -> None:
        super().__init__()
        self.scorer = scorer

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        body = self.scorer.body
        real = mask.to(torch.float32)
        if body.config.model_type == "bert":
            # With four dimensions it is added to the scores unchanged: a simpler graph.
            penalty = (1.0 - real[:, None, None, :]) * -1e4
            hidden = body(ids, penalty, torch.zeros_like(ids)).last_hidden_state
        else:
            hidden = body(ids, attention_mask=mask).last_hidden_state
        return (hidden * real[..., None]).sum(1) / real.sum(1, keepdim=True).clamp(min=1.0)


def to_onnx(scorer: Scorer, target: Path, eight_bits: bool) -> None:
    """Export the graph; `eight_bits` prepares it for `dynamic`. Changes the scorer."""
    body = scorer.cpu().eval().body
    if body.config.model_type == "bert":
        body.set_attn_implementation("eager")
    if eight_bits:
        export.scale_rows(body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        export.to_onnx(Features(scorer), target, ["ids", "mask"], "features")


def dynamic(source: Path, target: Path) -> None:
    """Quantise to eight bits; the ranges of activations are found anew for each message."""
    export.quantise(source, target)


def static(source: Path, target: Path, windows: Iterable[list[int]]) -> None:
    """Quantise to eight bits; the ranges of activations are measured once, on some texts."""
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
