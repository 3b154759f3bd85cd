"""The reranker reads question and line together; what is not ranked again stays behind."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import inference
from inference.reading.reader import tokenizer_of
from inference.reading.reranker import (
    BEFORE,
    LargeReranker,
    Reranker,
    Titled,
    arrays,
    completed,
    joined,
    laid,
)

WEIGHTS = Path(inference.__file__).parent / "weights"
LINES = [
    ("Kayak tours", "Price for children: EUR 12.00"),
    ("Kayak tours", "Price for adults: EUR 30.00"),
    ("Parking", "The car park closes at 22:00."),
]


TOKENIZER = tokenizer_of(WEIGHTS / "reading" / "tokenizer.json")


@pytest.fixture(scope="module")
def able() -> Reranker:
    return Reranker(WEIGHTS / "reranking", WEIGHTS / "reading" / "tokenizer.json")


def test_the_line_that_answers_is_ranked_first_again(able: Reranker) -> None:
    first = np.array([14.0, 14.0, 9.0], np.float32)
    found = able.rank("what does a tour cost for my little daughter", LINES, first)
    assert found.ranks.argmax() == 0
    assert found.probabilities.argmax() == 0


def test_what_was_said_before_counts(able: Reranker) -> None:
    said = "what does a tour cost for adults / Price for adults: EUR 30.00"
    alone = able.scores("and for kids?", LINES)
    together = able.scores("and for kids?", LINES, said)
    assert together[0] - together[2] > alone[0] - alone[2]


def test_a_line_beyond_the_best_few_stays_behind_them(able: Reranker) -> None:
    lines = [("Hours", f"Room {number}: 9.00 to 17.00") for number in range(30)]
    first = np.linspace(12, 3, 30).astype(np.float32)
    ranks = able.rank("when is room 29 open", lines, first).ranks
    assert ranks[able.count :].max() < ranks[: able.count].max()
    assert ranks[: able.count].min() >= ranks[able.count :].max()


def test_a_line_far_behind_is_not_ranked_again(able: Reranker) -> None:
    asked, first = "what is the price for adults", np.array([14.0, 13.0, 10.0], np.float32)
    best = able.nearest(first, 0 * first)
    assert best.tolist() == [0, 1]
    own = able.scores(asked, LINES[:2], "")
    every = completed(own, best, first)
    assert every[:2].tolist() == own.tolist()
    assert every[2] == pytest.approx(own.min() - 3), "as far behind as before"


def test_a_line_has_the_same_score_whatever_stands_beside_it(able: Reranker) -> None:
    together = able.scores("price?", [*LINES, ("Tours", "on the river " * 20)])
    alone = [able.scores("price?", [line])[0] for line in LINES]
    assert together[:3].tolist() == alone


def test_a_line_that_leads_is_surer_than_one_with_a_rival(able: Reranker) -> None:
    leads = [able.sure(0.5, lead) for lead in (0.0, 1.0, 4.0)]
    assert leads == sorted(leads) and leads[0] < able.at_once < leads[2]
    assert able.sure(0.5, 50.0) == able.sure(0.5, 6.0)
    assert able.sure(0.0, 50.0) < able.at_once, "a lead alone is no answer"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A reranker's folder with numbers for a large model, "grand"."""
    shutil.copyfile(WEIGHTS / "reranking" / "model.int8.onnx", tmp_path / "model.int8.onnx")
    manifest = json.loads((WEIGHTS / "reranking" / "manifest.json").read_text())
    numbers = {name: manifest[name] for name in ("sureness", "thresholds")}
    both = numbers | {"name": "grand", "sure": 0.8, "calibration": [0.1, 0.1, 0.3, -9.0]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"with_large": both}))
    return tmp_path


def asked_of(folder: Path, name: str, first: list[float]) -> tuple[list[int], list[int]]:
    """Return how many lines a large model is given, which prefers the last one, and the order."""
    given = []

    def score(question: str, lines: Sequence[Titled], before: str) -> NDArray[np.float32]:
        given.append(len(lines))
        return np.linspace(10, 30, len(lines)).astype(np.float32)

    able = Reranker(folder, WEIGHTS / "reading" / "tokenizer.json", LargeReranker(name, score))
    found = able.rank("is it far to walk?", LINES, np.array(first, np.float32))
    return given, np.argsort(-found.ranks).tolist()


def test_a_large_model_reads_where_the_small_one_is_unsure(folder: Path) -> None:
    given, order = asked_of(folder, "grand", [8.0, 8.0, 7.5])
    assert given == [3]
    assert order[0] == 2, "its opinion counts"


def test_two_models_rank_in_the_scale_of_one() -> None:
    first, own = np.array([12.0, 9.0], np.float32), np.array([15.0, 11.0], np.float32)
    one, two = joined(1.0, first, own), joined(1.0, first, own, own)
    assert one.tolist() == [27.0, 20.0]
    np.testing.assert_allclose(two, 2 / 3 * (first + own + own))


def test_a_large_model_is_not_asked_about_a_sure_line(folder: Path) -> None:
    assert asked_of(folder, "grand", [60.0, 12.0, 9.0]) == ([], [0, 1, 2])


def test_numbers_for_another_large_model_are_not_used(folder: Path) -> None:
    given, _ = asked_of(folder, "greater", [8.0, 8.0, 7.5])
    assert given == []


def test_a_liked_record_is_no_likelier_to_answer(able: Reranker) -> None:
    first = np.array([12.0, 12.0, 9.0], np.float32)
    liked = np.array([0.0, 3.0, 0.0], np.float32)
    plain, bent = (able.rank("price?", LINES, first, one) for one in (None, liked))
    assert np.allclose(plain.probabilities, bent.probabilities)
    assert np.allclose(bent.ranks - plain.ranks, liked)


@pytest.mark.parametrize("question", ["", "why " * 400, "\ud800"])
@pytest.mark.parametrize("line", [("", ""), ("title " * 100, ""), ("", "line " * 400)])
def test_empty_and_endless_texts_are_read(
    able: Reranker, question: str, line: tuple[str, str]
) -> None:
    assert np.isfinite(able.scores(question, [line], question)).all()


def test_no_lines_have_no_ranks(able: Reranker) -> None:
    assert len(able.rank("why?", [], np.zeros(0, np.float32)).ranks) == 0


def test_the_end_of_a_long_context_is_read() -> None:
    story = "so we came all the way here by the night train " * 20
    pair = laid(TOKENIZER, "how much", ("Tours", "30 euros"), f"{story}. is it far")
    end = laid(TOKENIZER, "how much", ("Tours", "30 euros"), "is it far")
    read, wanted = (one.ids[one.question : one.second] for one in (pair, end))
    assert len(read) == BEFORE + 1 and read[-len(wanted) :] == wanted


def test_each_mask_covers_its_part(able: Reranker) -> None:
    pair = laid(TOKENIZER, "how much", ("Tours", "30 euros"), "for adults")
    ids, mask, second, asked, told = (one[0] for one in arrays([pair]))
    assert mask.all() and ids[-1] == ids[pair.question - 1]
    assert asked.sum() == 2 and asked[1:3].all()
    assert told.sum() == 2 and told[-3:-1].all()
    assert second[pair.second :].all() and not second[: pair.second].any()
