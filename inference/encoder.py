"""The encoder: turns text into vectors, with ONNX Runtime and the model's own tokenizer.

`models/export.py` creates the folder that it reads: `model.int8.onnx`, `tokenizer.json`,
`manifest.json`.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from inference.runtime import padded, session
from inference.text import encodable

MAX_TOKENS = 256
BATCH_TOKENS = 2_048
# Batches at the same time: each takes some 30 MB while it is computed, and more are no faster.
AT_ONCE = 2

Vectors = NDArray[np.float32]


class Encoder:
    """Encodes texts as unit vectors; the inner product of two says how close in meaning they are.

    Thread-safe: the session and the tokenizer keep no state between calls.
    `name` identifies weights and quantisation: vectors of different names cannot be compared.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        self.name: str = manifest["name"]
        self.dimension: int = manifest["dimension"]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        # An arena would keep the memory of the largest batch, once for each thread, forever.
        self._session = session(folder / "model.int8.onnx", threads, enable_cpu_mem_arena=False)
        self._at_once = threading.BoundedSemaphore(AT_ONCE)

    def encode(self, texts: Sequence[str], batch: int = 32) -> Vectors:
        """Return unit vectors as rows (len(texts), dimension), in the order of `texts`."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        valid = list(map(encodable, texts))
        tokens = [encoded.ids for encoded in self._tokenizer.encode_batch(valid)]
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
    """Group rows of similar length, so that little is computed on padding.

    Batches of long texts are smaller, since memory grows with the square of the length.
    """
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if len(rows) == most or (rows and (len(rows) + 1) * lengths[row] > BATCH_TOKENS):
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows
