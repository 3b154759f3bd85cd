"""Text to vectors, on ONNX Runtime and the model's own tokenizer.

`export.py` makes the folder that this reads: `model.int8.onnx`, `tokenizer.json`, `manifest.json`.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.runtime import padded, session

MAX_TOKENS = 256
BATCH_TOKENS = 2_048
# Batches: each takes some 30 MB while it is computed, and more at a time are no faster.
AT_ONCE = 2

Vectors = NDArray[np.float32]


class Encoder:
    """Unit vectors whose inner product says how near in meaning two texts are.

    Thread-safe: the session and the tokenizer keep no state between calls.
    `name` identifies weights and quantisation: vectors of different names do not compare.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        self.name: str = manifest["name"]
        self.dimension: int = manifest["dimension"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        # An arena would keep the largest batch ever seen, once for each thread, for good.
        self._session = session(folder / "model.int8.onnx", threads, enable_cpu_mem_arena=False)
        self._at_once = threading.BoundedSemaphore(AT_ONCE)

    def encode(self, texts: Sequence[str], batch: int = 32) -> Vectors:
        """Unit rows (len(texts), dimension), in the order of `texts`."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        tokens = [found.ids for found in self._tokenizer.encode_batch(_valid(texts))]
        for rows in batches([len(ids) for ids in tokens], batch):
            vectors[rows] = self._run([tokens[row] for row in rows])
        return vectors

    def _run(self, tokens: list[list[int]]) -> Vectors:
        ids, mask = padded(tokens)
        with self._at_once:
            outputs: list[Vectors] = self._session.run(
                None, {"input_ids": ids, "attention_mask": mask}
            )
        return outputs[0]


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Rows of similar length together, so that little is computed on padding; few long ones,
    since memory grows with the square of the length."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if len(rows) == most or (rows and (len(rows) + 1) * lengths[row] > BATCH_TOKENS):
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def _valid(texts: Sequence[str]) -> list[str]:
    """JSON may carry half a character (a lone surrogate), which the tokenizer refuses."""
    return [text.encode("utf-8", "replace").decode() for text in texts]
