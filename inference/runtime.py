"""Shared set-up of ONNX Runtime for the encoder, the reader and the sentiment classifier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Ids = NDArray[np.int64]


def session(path: Path, threads: int, **options: Any) -> onnxruntime.InferenceSession:
    """Open a session. `options` are set on `onnxruntime.SessionOptions`."""
    chosen = onnxruntime.SessionOptions()
    chosen.intra_op_num_threads = threads
    chosen.inter_op_num_threads = 1
    # A thread that spins while it waits takes a core from the language model.
    chosen.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for name, value in options.items():
        setattr(chosen, name, value)
    return onnxruntime.InferenceSession(str(path), chosen, providers=["CPUExecutionProvider"])


def padded(tokens: Sequence[list[int]]) -> tuple[Ids, Ids]:
    """Return token ids and mask, both (texts, longest), with 0 after the end of a text."""
    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
    mask = np.zeros_like(ids)
    for row, text in enumerate(tokens):
        ids[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return ids, mask
