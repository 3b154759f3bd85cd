"""The sentiment head, its command and its training, on an encoder of two dimensions."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from inference.sentiment import LABELS, Classifier, WrongEncoder
from inference.sentiment.classifier import Head
from inference.sentiment.training import is_calm, train


class MoodEncoder:
    """One dimension counts sad words, the other happy ones."""

    name = "mood-1"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str], batch: int = 32) -> np.ndarray:
        self.encoded += texts
        counts = [[text.lower().count("bad"), text.lower().count("glad")] for text in texts]
        return np.array(counts, np.float32).reshape(len(texts), 2)


HEAD = Head(np.array([[4.0, 0.0], [0.0, 0.0], [0.0, 4.0]]), np.array([0.0, 1.0, 0.0]), 1.0)


@pytest.fixture
def encoder() -> MoodEncoder:
    return MoodEncoder()


@pytest.fixture
def classifier(encoder: MoodEncoder) -> Classifier:
    return Classifier(HEAD, encoder)


def test_alice_is_angry_bob_only_asks_charlie_is_glad(classifier: Classifier) -> None:
    alice, bob, charlie = classifier.score(["a bad shop", "where is it?", "so glad"])
    assert [alice.label, bob.label, charlie.label] == list(LABELS)
    assert alice.score < -0.5 < bob.score < 0.5 < charlie.score


def test_the_parts_of_an_answer_agree_with_each_other(classifier: Classifier) -> None:
    [found] = classifier.score(["bad, but also glad"])
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert found.confidence == max(found.probabilities.values())
    expected = found.probabilities["positive"] - found.probabilities["negative"]
    assert found.score == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("text", ["", "   ", "10482", "?!?", "\x00", None, 7])
def test_what_holds_no_word_is_neutral_and_not_sure(classifier: Classifier, text: str) -> None:
    [found] = classifier.score([text])
    assert (found.label, found.score) == ("neutral", 0)
    assert found.confidence < 0.5


def test_answers_keep_the_order_of_the_texts(classifier: Classifier, encoder: MoodEncoder) -> None:
    found = classifier.score(["", "bad", "123", "glad"])
    assert [one.label for one in found] == ["neutral", "negative", "neutral", "positive"]
    assert encoder.encoded == ["bad", "glad"]


def test_no_texts_give_no_answers(classifier: Classifier) -> None:
    assert classifier.score([]) == []


def test_a_higher_temperature_is_less_sure_of_the_same_label(encoder: MoodEncoder) -> None:
    calm = Classifier(Head(HEAD.weight, HEAD.bias, 3.0), encoder)
    [hot], [cool] = Classifier(HEAD, encoder).score(["bad"]), calm.score(["bad"])
    assert hot.label == cool.label == "negative"
    assert cool.confidence < hot.confidence


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
    assert is_calm(text) is calm


# Training --------------------------------------------------------------------------------

QUESTIONS = {"banking77-train": "when do I get card", "bitext-8k": "where is order"}
TEXTS = {"negative": "bad thing", "neutral": "a thing", "positive": "glad of the thing"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    labelled = [
        {"text": f"{text} {n}", "label": label} for n in range(20) for label, text in TEXTS.items()
    ]
    messages = [
        {"text": f"{question} {n}", "intent": f"intent {n}", "src": source}
        for n in range(20)
        for source, question in QUESTIONS.items()
    ]
    for name, rows in (
        ("sentiment-train", labelled),
        ("sentiment-dev", labelled),
        ("customer-messages", messages),
    ):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows)
    return tmp_path


def test_a_trained_head_can_be_loaded_and_used(data: Path, encoder: MoodEncoder) -> None:
    manifest = train(data, encoder, data / "weights", lambda line: None)
    assert manifest["dev"]["accuracy"] == 1
    assert set(manifest["calm requests, unseen, called negative"]) == {"banking77", "bitext"}
    found = Classifier.load(data / "weights", encoder).score(list(TEXTS.values()))
    assert [one.label for one in found] == list(TEXTS)


def test_training_twice_gives_the_same_weights(data: Path, encoder: MoodEncoder) -> None:
    heads = []
    for folder in (data / "one", data / "two"):
        train(data, encoder, folder, lambda line: None)
        heads.append(np.load(folder / "head.npz")["weight"])
    assert np.array_equal(*heads)


def test_the_source_that_measures_calm_is_never_trained_on(
    data: Path, encoder: MoodEncoder
) -> None:
    class Recorder(MoodEncoder):
        def encode(self, texts: Sequence[str], batch: int = 32) -> np.ndarray:
            calls.append(list(texts))
            return super().encode(texts, batch)

    calls: list[list[str]] = []
    train(data, Recorder(), data / "weights", lambda line: None)
    assert any(text.startswith("when do I get card") for text in calls[0])
    assert not any(text.startswith("where is order") for text in calls[0])
    assert calls[-1] == [f"where is order {n}" for n in range(20)]


def test_a_head_of_another_encoder_is_refused_with_the_command_to_type(
    data: Path, encoder: MoodEncoder
) -> None:
    train(data, encoder, data / "weights", lambda line: None)
    encoder.name = "mood-2"
    with pytest.raises(WrongEncoder, match=r"trained on mood-1.*mood-2.*sentiment_train"):
        Classifier.load(data / "weights", encoder)


# The command's JSON lines ----------------------------------------------------------------


def answered(lines: list[str | bytes], classifier: Classifier) -> list[dict[str, object]]:
    from chatbot.management.commands.sentiment import answers

    return list(answers(lines, classifier))


def test_each_line_is_answered_in_order_with_its_id(classifier: Classifier) -> None:
    lines = [json.dumps({"id": n, "text": "bad" if n % 2 else "glad"}) for n in range(200)]
    found = answered(list(lines), classifier)
    assert [one["id"] for one in found] == list(range(200))
    assert [one["label"] for one in found] == ["positive", "negative"] * 100


def test_a_malformed_line_gets_its_error_and_the_next_its_answer(classifier: Classifier) -> None:
    broken = [b"{", b"[]", b'{"id": "b", "text": 5}', b"\xff\xfe\xff", b"[" * 100_000, b"\n"]
    found = answered([*broken, b'{"text": "bad"}'], classifier)
    assert all("error" in one for one in found[:-1])
    assert found[2]["id"] == "b"
    assert found[-1]["label"] == "negative"


def test_an_answer_comes_before_the_next_line_is_written(classifier: Classifier) -> None:
    from chatbot.management.commands.sentiment import answers

    seen: list[object] = []

    def lines() -> Iterator[str]:
        from threading import Event

        for number in range(3):
            yield json.dumps({"id": number, "text": "bad"})
            for _ in range(500):
                if len(seen) > number:
                    break
                Event().wait(0.01)
            assert len(seen) == number + 1

    for answer in answers(lines(), classifier):
        seen.append(answer["id"])
    assert seen == [0, 1, 2]
