"""The large reranker: a published model, and what it learned as a difference of low rank."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from transformers import MPNetConfig, MPNetModel  # noqa: E402

from inference.reading.reranker import Pair, arrays  # noqa: E402
from inference.reading.training import large, low_rank, weights  # noqa: E402
from inference.reading.training.reranking import Together  # noqa: E402
from inference.runtime import session  # noqa: E402

pytestmark = pytest.mark.slow

NAMES = ("input_ids", "attention_mask", "token_type_ids", "questions", "lines")
PAIR = arrays([Pair([0, 7, 8, 2, 9, 10, 11, 2], question=4, second=4, line=5)])


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    torch.manual_seed(1)
    config = MPNetConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=256,
    )  # fmt: skip
    MPNetModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture
def learned(published: Path) -> Together:
    """A model whose differences are not zero any more."""
    model = low_rank.adapted(published, rank=4)
    torch.manual_seed(2)
    with torch.no_grad():
        for part in model.parameters():
            if part.requires_grad:
                part += 0.1 * torch.randn(part.shape)
    return model.eval()


def score(model: Together) -> float:
    with torch.no_grad():
        return float(model(*map(torch.from_numpy, PAIR)))


def test_it_begins_as_the_published_model(published: Path) -> None:
    plain = Together(low_rank.Mpnet(published)).eval()
    assert score(low_rank.adapted(published).eval()) == pytest.approx(score(plain), abs=1e-5)


def test_only_the_difference_is_trained(learned: Together) -> None:
    trained = {name for name, part in learned.named_parameters() if part.requires_grad}
    assert not any("embeddings" in name or "linear.weight" in name for name in trained)
    assert "body.encoder.layer.1.output.dense.down" in trained


def test_a_difference_is_written_and_read(
    published: Path, learned: Together, tmp_path: Path
) -> None:
    low_rank.write(learned, tmp_path / "difference.npz")
    other = low_rank.adapted(published, rank=4).eval()
    low_rank.restore(other, tmp_path / "difference.npz")
    assert score(other) == pytest.approx(score(learned), rel=0.02)


def test_a_difference_of_another_version_is_refused(learned: Together, tmp_path: Path) -> None:
    np.savez(tmp_path / "difference.npz", unknown=np.zeros(2))
    with pytest.raises(ValueError, match="is from another version"):
        low_rank.restore(learned, tmp_path / "difference.npz")


def test_a_difference_that_is_not_the_named_one_is_refused(published: Path) -> None:
    with pytest.raises(ValueError, match="does not belong to another@1"):
        large.make(published, "another@1")


def test_the_graph_scores_as_the_model(learned: Together, tmp_path: Path) -> None:
    expected = score(learned)
    low_rank.join(learned)
    assert score(learned) == pytest.approx(expected, rel=1e-4)
    weights.write_graph(learned, tmp_path / "model.int8.onnx")
    graph = session(tmp_path / "model.int8.onnx", threads=1)
    [found] = graph.run(None, dict(zip(NAMES, PAIR, strict=True)))
    np.testing.assert_allclose(found, [expected], rtol=0.1)
