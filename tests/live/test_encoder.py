"""The small encoder against the published one, on messages that customers wrote.

Needs the model `encoder` (manage.py models fetch encoder), sentence-transformers, and the
data folder that ATTUNE_SHARED names.
"""

import gzip
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest

from inference.encoder import Encoder
from inference.models.catalogue import ModelMissing, located

pytestmark = pytest.mark.live

SHARED = Path(os.environ.get("ATTUNE_SHARED") or Path(__file__).parents[3] / "shared")
MESSAGES = SHARED / "data" / "customer-messages.jsonl.gz"


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return located("encoder")
    except ModelMissing as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return Encoder(folder)


@pytest.fixture(scope="module")
def messages() -> list[str]:
    if not MESSAGES.exists():
        pytest.skip(f"{MESSAGES} is not there: set ATTUNE_SHARED to the data's parent folder")
    with gzip.open(MESSAGES, "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return random.Random(1).sample(texts, 500)


def test_every_message_lies_where_the_published_encoder_puts_it(
    encoder: Encoder, folder: Path, messages: list[str]
) -> None:
    from sentence_transformers import SentenceTransformer

    published = SentenceTransformer(str(folder), device="cpu")
    expected = published.encode(messages, normalize_embeddings=True)
    cosines = (encoder.encode(messages) * expected).sum(axis=1)
    assert cosines.min() >= 0.98
    assert cosines.mean() >= 0.99


def test_vectors_have_unit_length_and_keep_the_order(encoder: Encoder, messages: list[str]) -> None:
    together = encoder.encode(messages[:50])
    alone = np.concatenate([encoder.encode([text]) for text in messages[:50]])
    assert together.shape == (50, encoder.dimension)
    assert together.dtype == np.float32
    assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-4)
    assert (together @ alone.T).argmax(axis=1).tolist() == list(range(50))


def test_no_texts_long_texts_and_broken_characters(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)
    odd = encoder.encode(["", "word " * 5000, "half a smile \ud83d", "\x00", "😡"])
    assert np.linalg.norm(odd, axis=1) == pytest.approx(1, abs=1e-4)
