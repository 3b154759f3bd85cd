"""The making of the reader on a model of two layers: every step, none of the accuracy."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from inference.reading.reader import Reader  # noqa: E402
from inference.reading.reranker import LargeReranker, Ranks, Reranker, Titled  # noqa: E402
from inference.reading.training import calibration, recipe, reranking, restoring, weights  # noqa: E402
from inference.reading.training.data import Asked, Lesson, alone, merged  # noqa: E402
from inference.reading.training.model import Lessons, Matcher, loss  # noqa: E402
from inference.training.fitting import Recipe  # noqa: E402

pytestmark = pytest.mark.slow

WORDS = "when do you open close bins tents monday friday we at noon red blue gates".split()
ACME = Lesson(
    (("gates", ("we open monday", "red bins")), ("blue", ("blue gates close", "tents at noon"))),
    (
        Asked("when do you open", frozenset({0})),
        Asked("when do gates close", frozenset({2})),
        Asked("tents when", frozenset({3})),
        Asked("do you open friday at noon", frozenset()),
    ),
)
TALK = Lesson(
    ACME.passages,
    (
        Asked("when do you open", frozenset({0})),
        Asked("tents", frozenset({3}), "when do you open", "when do you open / monday", {3: 1.0}),
    ),
)
PASSAGES = ["gates\nwe open monday\nred bins", "blue\nblue gates close\ntents at noon"]


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers that knows a few words."""
    folder = tmp_path_factory.mktemp("start")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *WORDS, *".:|?"]
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(pieces), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=256,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def made(start: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a reader that has learned from one company."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "DEV", ("other",))
        patch.setattr(recipe, "HELD_OUT", ("other",))
        patch.setattr(recipe, "RECIPE", Recipe(rate=5e-3, size=4, epochs=8))
        folders = recipe.Folders(start, folder / "work")
        manifest = recipe.make(
            folders, [("acme", ACME), ("other", ACME)], folder / "weights", silent
        )
        assert (manifest["companies"], manifest["questions"]) == (1, 4)
        assert manifest["figures"]["hit1"] == 1
        left = [path.name for path in folders.work.iterdir()]
        assert left == [recipe.READERS], "the next training begins anew"
        lessons = [("acme", ACME), ("acme/talks", TALK), ("other", ACME)]
        again = folder / "again"
        model = reranking.starting(start, folders.work / recipe.READERS)
        found = recipe.make_reranker(
            model, folder / "weights", lessons, [TALK], folders.work, again, silent, share=1.0
        )
    assert found["questions"] == 4 + 2 + 1, "a follow-up counts twice"
    assert 0 < found["thresholds"]["answering"] <= 1
    return folder / "weights"


def test_a_question_comes_near_to_its_line(made: Path) -> None:
    reader = Reader(made)
    first, second = reader.scores("when do gates close", PASSAGES)
    assert int(second.argmax()) == 0
    assert second.max() > first.max()


def test_only_new_files_are_learned_whole(made: Path) -> None:
    folder = made.with_name("again")
    known = json.loads((folder / "manifest.json").read_text())["learned"]
    assert known == ["acme", "talks"]
    names = ["acme", "acme/talks", "acme/others", "new", "hotel", "hotel/others"]
    assert recipe.unlearned(names, folder) == {"acme/others", "new"}


def test_the_large_reranker_learns_from_the_questions_of_which_the_small_one_is_unsure() -> None:
    lines = tuple(("bins", f"line {place}") for place in range(3))
    right = (False, True, False)
    sure, open_ = (
        reranking.Case(question, "", lines, (9.0, 8.0, 7.0), (0.0,) * 3, right, lines[1])
        for question in ("sure", "open")
    )
    small = mock.Mock()
    small.rank.return_value = Ranks(np.array([1.0, 3.0, 2.0]), np.array([0.1, 0.6, 0.2]))
    small.sureness.side_effect = [0.9, 0.4]
    [kept] = recipe.unsure([sure, open_], small)
    assert kept.question == "open"
    assert kept.lines == (lines[1], lines[2], lines[0])
    assert kept.right == (True, False, False) and kept.first == (8.0, 7.0, 9.0)
    assert reranking.taught(kept, 2) == [lines[1], lines[2]], "the small one's worst mistake"


def test_what_a_question_leans_on_ranks_higher_and_keeps_its_score(made: Path) -> None:
    reader = Reader(made)
    case = list(reranking.cases(reader, TALK))[1]
    without = Lesson(TALK.passages, (replace(TALK.asked[1], leaning={}),))
    [alone] = reranking.cases(reader, without)
    scores = dict(zip(case.lines, zip(case.first, case.liked, strict=True), strict=True))
    assert scores["blue", "tents at noon"][1] == 1.0 and sum(case.liked) == 1.0
    assert dict(zip(alone.lines, alone.first, strict=True)) == {
        line: first for line, (first, _) in scores.items()
    }


def test_the_reranker_reads_pairs(made: Path) -> None:
    able = Reranker(made.with_name("again"), made / "tokenizer.json")
    lines = [("gates", "we open monday"), ("blue", "tents at noon")]
    found = able.rank("tents when", lines, np.array([1.0, 2.0], np.float32))
    assert ((found.probabilities > 0) & (found.probabilities < 1)).all()


def test_numbers_for_both_rerankers_are_fitted(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "SURE", 1.0)
    own = shutil.copytree(made.with_name("again"), tmp_path / "own")
    cases = list(reranking.cases(Reader(made), ACME))
    read = []

    def score(question: str, lines: Sequence[Titled], before: str) -> NDArray[np.float32]:
        read.append(question)
        return np.arange(len(lines), dtype=np.float32)

    large = LargeReranker("grand", score)
    calibration.calibrate(own, made / "tokenizer.json", cases, large)
    assert read == [case.question for case in cases], "it reads what the small one is unsure of"
    numbers = json.loads((own / "manifest.json").read_text())["with_large"]
    assert (numbers["name"], numbers["asked"], len(numbers["calibration"])) == ("grand", 1.0, 4)
    assert Reranker(own, made / "tokenizer.json", large).has_large
    calibration.calibrate(own, made / "tokenizer.json", cases)
    assert not Reranker(own, made / "tokenizer.json", large).has_large


def test_a_site_goes_on_from_the_delivered_weights(start: Path, made: Path, tmp_path: Path) -> None:
    delivered, own = made.with_name("again"), Lesson(ACME.passages, ACME.asked[:1])
    lines = [("gates", "we open monday"), ("blue", "tents at noon")]
    before = Reranker(delivered, made / "tokenizer.json").scores("tents when", lines)
    model = restoring.restored(start, delivered)
    found = recipe.make_reranker(
        model, made, [("acme", ACME), ("other", ACME), (recipe.CASES, own)], [TALK], tmp_path,
        tmp_path / "own", silent, Recipe(rate=0.0), share=0.0,
    )  # fmt: skip
    assert found["questions"] == 1, "its own questions, and no others"
    after = Reranker(tmp_path / "own", made / "tokenizer.json").scores("tents when", lines)
    np.testing.assert_allclose(after, before, rtol=0.05)


def test_the_reader_goes_on_from_its_delivered_weights(
    start: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path / "weights")
    monkeypatch.setattr(recipe, "DEV", ("other",))
    monkeypatch.setattr(recipe, "HELD_OUT", ("other",))
    monkeypatch.setattr(recipe, "READER_FURTHER", Recipe(rate=0.0, size=4))
    monkeypatch.setattr(recipe, "SHARE_READER", 0.0)
    folders = recipe.Folders(start, tmp_path / "work")
    lessons = [("acme", ACME), ("new", ACME), ("acme/talks", TALK), ("other/talks", TALK)]
    found = recipe.make(folders, lessons, tmp_path / "weights", silent, further=True)
    assert found["questions"] == 4 + 2, "of the company that is known, only the conversation"
    assert found["learned"] == ["acme", "new", "talks"]
    before, after = (
        np.concatenate(Reader(folder).scores("when do gates close", PASSAGES))
        for folder in (made, tmp_path / "weights")
    )
    np.testing.assert_allclose(after, before, atol=0.3)


def test_a_conversation_is_learned_over_all_passages_of_its_company() -> None:
    public, alices, bobs = (
        ("gates", ("noon", "six")),
        ("order 1", ("sent",)),
        ("order 2", ("lost",)),
    )
    company = Lesson((public, alices, bobs), (Asked("when", frozenset({0})),))
    further = Asked("and mine?", frozenset({2}), asked_before="open?", before="open? At noon.")
    found = merged([company, Lesson((public, bobs), (further,))])
    assert found.passages == company.passages
    assert found.asked == (
        Asked("when", frozenset({0})),
        Asked("open? and mine?", frozenset({3}), unseen=frozenset({2})),
    )


def test_a_line_that_the_customer_may_not_see_costs_nothing(start: Path) -> None:
    batch = Lessons(start / "tokenizer.json", [ACME]).batch([1])
    batch.unseen[0, 1] = True
    model = mock.Mock(near=torch.tensor(12.0))
    losses = []
    for score in (0.0, 99.0):
        model.return_value = torch.tensor([[3.0, score, 14.0, 5.0]])
        losses.append(float(loss(model, batch)))
    assert losses[0] == losses[1]


def test_a_passage_is_read_once_and_forgotten_when_there_are_many(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference.reading.reader.REMEMBERED", 1)
    reader = Reader(made)
    one = reader.scores("tents when", PASSAGES[:1])[0]
    both = reader.scores("tents when", PASSAGES)
    assert list(reader._passages) == PASSAGES[1:]
    np.testing.assert_allclose(both[0], one, atol=0.05)


@pytest.mark.parametrize(
    "passage", ["", "gates", "gates\n", "gates\n\ud800", "gates\n" + "open " * 900]
)
def test_any_passage_can_be_read(made: Path, passage: str) -> None:
    [scores] = Reader(made).scores("", [passage])
    assert np.isfinite(scores).all()


def test_the_graph_finds_what_the_model_finds(start: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = Matcher.from_folder(start).eval()
    batch = Lessons(start / "tokenizer.json", [ACME]).batch([1])
    expected = model(batch)[0].detach().numpy()
    weights.write(model, start, tmp_path, {})
    found = np.concatenate(Reader(tmp_path).scores("when do gates close", PASSAGES))
    np.testing.assert_allclose(found, expected, atol=0.3)


def test_a_batch_asks_about_one_company(start: Path) -> None:
    lessons = Lessons(start / "tokenizer.json", [ACME, alone(ACME)])
    dealt = lessons.shuffled(2, seed=1)
    assert sorted(row for rows in dealt for row in rows) == list(range(8))
    for rows in dealt:
        assert len({row // 4 for row in rows}) == 1
        batch = lessons.batch(rows)
        assert batch.right.shape == (2, 4)
        assert len(batch.passages) == (2 if rows[0] < 4 else 4)


def test_a_line_alone_follows_its_title() -> None:
    assert alone(ACME).passages[0] == ("", ("gates: we open monday",))


def test_the_calibration_fits() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(4_000, 2)).astype(np.float32)
    truth = rng.random(4_000) < 1 / (1 + np.exp(-(scores @ [2.0, 0.5] - 1.0)))
    assert calibration.fitted(scores, truth) == pytest.approx([2.0, 0.5, -1.0], abs=0.2)


def test_a_threshold_leaves_the_share_that_it_is_to_leave() -> None:
    values = [n / 100 for n in range(100)]
    assert sum(value >= calibration.above(values, 0.05) for value in values) == 5
    assert calibration.above([], 0.05) == 1.0
