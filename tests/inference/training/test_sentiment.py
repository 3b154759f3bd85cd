"""The making of the classifier on a model of two layers: every step, none of the accuracy."""

import gzip
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from inference.sentiment import weights  # noqa: E402
from inference.sentiment.classifier import INTENTS, Classifier, Student  # noqa: E402
from inference.sentiment.compression import factorise, prune, quantise  # noqa: E402
from inference.sentiment.distillation import data, further, groups, student, teacher  # noqa: E402
from inference.sentiment.distillation.data import (  # noqa: E402
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    UNLABELLED,
    Example,
)
from inference.sentiment.distillation.model import Scorer, scores  # noqa: E402
from inference.training import fitting  # noqa: E402
from inference.training.tokens import Batch, Tokens  # noqa: E402

pytestmark = pytest.mark.slow

WORDS = "bad sad angry glad fine happy my order parcel is where the late i am".split()
MOODS = {
    NEGATIVE: ("bad", "sad", "angry"),
    NEUTRAL: ("order", "parcel"),
    POSITIVE: ("glad", "happy"),
}

MEANS = {NEGATIVE: "leave", NEUTRAL: "wish", POSITIVE: "thanks"}


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("start") / "tokenizer.json"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = list("abcdefghijklmnopqrstuvwxyz")
    pieces = [*special, *WORDS, *letters, *(f"##{c}" for c in letters), "unused"]
    tokenizer = Tokenizer(models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))
    return path


@pytest.fixture
def scorer() -> Scorer:
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=72, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64,
    )  # fmt: skip
    return Scorer(BertModel(config, add_pooling_layer=False))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    rng = random.Random(1)
    return [
        Example(
            f"my {rng.choice(words)} {rng.choice(WORDS[7:])}",
            label,
            "tiny",
            (float(label == NEGATIVE), 0, 0, 0),
            tuple(float(intent == MEANS[label]) for intent in INTENTS),
        )
        for label, words in MOODS.items()
        for _ in range(40)
    ]


def taught(
    scorer: Scorer, tokenizer: Path, examples: list[Example], work: Path, epochs: int = 6
) -> Scorer:
    tokens = Tokens(tokenizer, [example.text for example in examples])
    recipe = fitting.Recipe(rate=5e-3, size=16, epochs=epochs)
    fitting.fit(scorer, tokens, teacher.hard_loss(examples), recipe, work / "ckpt", silent)
    return scorer


def accuracy(scorer: Scorer, tokenizer: Path, examples: list[Example]) -> float:
    tokens = Tokens(tokenizer, [example.text for example in examples])
    found = scores(scorer, tokens, silent).logits.argmax(1)
    return float((found == torch.tensor([e.label for e in examples])).float().mean())


def test_a_model_learns_its_labels(
    scorer: Scorer, tokenizer: Path, examples: list[Example], tmp_path: Path
) -> None:
    assert accuracy(taught(scorer, tokenizer, examples, tmp_path), tokenizer, examples) > 0.95


def test_a_student_learns_from_a_teacher_alone(
    scorer: Scorer, tokenizer: Path, examples: list[Example], tmp_path: Path
) -> None:
    opinions = torch.nn.functional.one_hot(torch.tensor([e.label for e in examples]), 3) * 6.0
    unlabelled = [Example(e.text, UNLABELLED, e.source) for e in examples]
    intents = torch.tensor([e.intents for e in examples]) * 12 - 6
    features = torch.randn(len(examples), 24).half()
    lesson = student.Lesson(unlabelled, opinions, intents, features)
    recipe = fitting.Recipe(rate=5e-3, size=16, epochs=8)
    student.train(scorer, tokenizer, lesson, tmp_path / "ckpt", recipe, silent)
    assert accuracy(scorer, tokenizer, examples) > 0.8
    wanted = scores(scorer, Tokens(tokenizer, [e.text for e in examples]), silent).intents > 0
    assert (wanted == (intents > 0)).float().mean() > 0.9


def test_a_run_that_was_stopped_goes_on_where_it_was(
    scorer: Scorer,
    tokenizer: Path,
    examples: list[Example],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stopped(Exception):
        pass

    steps = []
    plain = fitting._Run.step

    def counted(run: fitting._Run, batch: Batch) -> float:
        if len(steps) == 10:
            raise Stopped
        steps.append(1)
        return plain(run, batch)

    monkeypatch.setattr(fitting, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(fitting._Run, "step", counted)
    with pytest.raises(Stopped):
        taught(scorer, tokenizer, examples, tmp_path, epochs=3)
    assert (tmp_path / "ckpt").exists()
    monkeypatch.setattr(
        fitting._Run, "step", lambda run, batch: steps.append(1) or plain(run, batch)
    )
    taught(scorer, tokenizer, examples, tmp_path, epochs=3)
    assert len(steps) == 3 * 8  # 120 examples in batches of 16, thrice, none twice
    assert not (tmp_path / "ckpt").exists()


def test_fewer_words_fewer_layers_fewer_neurons_still_score(
    scorer: Scorer, tokenizer: Path, examples: list[Example], tmp_path: Path
) -> None:
    taught(scorer, tokenizer, examples, tmp_path)
    before = accuracy(scorer, tokenizer, examples)
    known = Tokenizer.from_file(str(tokenizer))
    words = prune.used_words(known, [e.text for e in examples], least=1)
    assert "unused" not in words
    fewer = tmp_path / "tokenizer.json"
    prune.keep_words(scorer, tokenizer, words, fewer)
    assert accuracy(scorer, fewer, examples) == before  # no word of theirs is gone
    batches = list(Tokens(fewer, [e.text for e in examples]).in_order())
    prune.keep_neurons(scorer, 24, batches)
    assert accuracy(scorer, fewer, examples) > 0.6
    prune.keep_layers(scorer, [1])
    assert scorer.features(batches[0].ids, batches[0].mask).shape[1] == 16


def test_a_full_rank_changes_nothing_and_a_low_one_is_small(scorer: Scorer) -> None:
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        before = scorer.body.embeddings.word_embeddings(ids).clone()
        factorise.factorise(scorer, 16)
        torch.testing.assert_close(
            scorer.body.embeddings.word_embeddings(ids), before, atol=1e-5, rtol=0
        )
    thin = factorise.ThinEmbedding(torch.randn(100, 16), 4)
    assert sum(part.numel() for part in thin.parameters()) == 100 * 4 + 4 * 16


def graph(built: tuple[Scorer, Path], path: Path) -> None:
    plain = path.with_name("plain")
    quantise.to_onnx(built[0], plain, eight_bits=True)
    quantise.dynamic(plain, path)


def test_a_delivered_student_is_trained_further_and_keeps_its_opinion_of_public_texts(
    scorer: Scorer, tokenizer: Path, examples: list[Example], tmp_path: Path
) -> None:
    scorer.body.config.save_pretrained(tmp_path / "start")
    taught(scorer, tokenizer, examples, tmp_path)
    weights.write(scorer, tokenizer, graph, tmp_path / "w")
    tokens = Tokens(tokenizer, [e.text for e in examples])
    again = further.restored(tmp_path / "w", tmp_path / "start")
    before, after = (scores(one, tokens, silent) for one in (scorer, again))
    assert (before.logits.argmax(1) == after.logits.argmax(1)).all()
    news = [
        replace(e, text=f"late {e.text}", label=NEGATIVE, intents=(math.nan,) * len(INTENTS))
        for e in examples
    ]
    recipe = fitting.Recipe(rate=5e-3, size=16, epochs=3)
    both = Tokens(tokenizer, [e.text for e in news + examples])
    further.without_dropout(again)
    told = further.loss(news, examples, after.logits)
    fitting.fit(again, both, told, recipe, tmp_path / "ckpt", silent)
    assert accuracy(again, tokenizer, news) > 0.9
    assert accuracy(again, tokenizer, examples) > 0.9


def test_words_for_groups_move_the_score_less_and_messages_keep_theirs() -> None:
    rng = np.random.default_rng(1)
    weight, kept = rng.normal(size=(3, 12)), rng.normal(size=(400, 12))
    shifts = np.outer(rng.normal(size=20), rng.normal(size=12))
    found = groups.moved_less(weight, kept, (5.0, shifts))
    assert np.abs(shifts @ found.T).mean() < 0.05 * np.abs(shifts @ weight.T).mean()
    assert np.corrcoef((kept @ found.T).ravel(), (kept @ weight.T).ravel())[0, 1] > 0.9
    assert np.allclose(groups.moved_less(weight, kept, (0.0, shifts)), weight, atol=1e-3)


def test_the_graph_hears_what_the_model_hears(
    scorer: Scorer, tokenizer: Path, examples: list[Example], tmp_path: Path
) -> None:
    taught(scorer, tokenizer, examples, tmp_path)
    tokens = Tokens(tokenizer, [e.text for e in examples])
    expected = scores(scorer, tokens, silent).features.float().numpy()
    weights.write(scorer, tokenizer, graph, tmp_path / "w")
    weights.calibrate(tmp_path / "w", examples, examples, examples)
    features = weights.features_of(Student(tmp_path / "w"), [e.text for e in examples])
    assert (unit(features) * unit(expected)).sum(axis=1).min() > 0.98
    found = Classifier.load(tmp_path / "w").score(["my bad order", "my happy order"])
    assert [one.label for one in found] == ["negative", "positive"]
    assert found[0].emotions == ("anger",)
    assert [one.intents for one in found] == [{"leave"}, {"thanks"}]


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# What they learn from ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "calm"),
    [
        ("my card has not arrived yet, when will it?", True),
        ("I was charged twice for the same order", True),
        ("this is the worst shop ever", False),
        ("you stole my money!", False),
        ("thanks, that was quick", False),
        ("a frustrating evening", False),
    ],
)
def test_a_named_problem_is_calm_and_a_feeling_is_not(text: str, calm: bool) -> None:
    assert data.is_calm(text) is calm


def test_the_source_that_measures_calm_is_never_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "customer-messages.jsonl.gz"
    sources = ("banking77-train", "bitext-8k")
    messages = [
        {"text": f"where is {source} {n}", "intent": f"intent {n}", "src": source}
        for source in sources
        for n in range(40)
    ]
    with gzip.open(path, "wt") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in messages)
    learned = {example.text for example in data.calm(path, 100, random.Random(1))}
    held_back = data.unseen_calm(path)
    assert learned and not any("bitext" in text for text in learned)
    assert set(held_back) == {"banking77", "bitext"} and len(held_back["bitext"]) == 40
    assert not learned & {text for texts in held_back.values() for text in texts}


def test_service_messages_are_of_every_class_filled_in_and_the_same_again() -> None:
    requests = ["where is my card"]
    made = data.service(300, requests, random.Random(1))
    assert made == data.service(300, requests, random.Random(1))
    assert {label: sum(e.label == label for e in made) for label in range(3)} == {
        0: 100,
        1: 100,
        2: 100,
    }
    assert not any("{" in example.text for example in made)
