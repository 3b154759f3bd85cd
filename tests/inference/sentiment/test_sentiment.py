"""The committed classifier: whatever comes in, an answer; and the audit that it must pass."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inference
from inference.sentiment import CONFIDENCE_FLOOR, LABELS, Classifier, Sentiment
from inference.sentiment.audit import bias, robustness
from inference.sentiment.classifier import MAX_WINDOWS, WINDOW, Heads, WrongStudent

WEIGHTS = Path(inference.__file__).parent / "weights" / "sentiment"
ANGRY = "I am so angry, this is the worst service ever."


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(WEIGHTS)


def heard(classifier: Classifier, text: str) -> Sentiment:
    [found] = classifier.score([text])
    return found


def test_alice_is_angry_bob_only_asks_charlie_is_glad(classifier: Classifier) -> None:
    alice, bob, charlie = classifier.score([ANGRY, "Where is order 10482?", "Thanks, great job!"])
    assert [alice.label, bob.label, charlie.label] == list(LABELS)
    assert alice.score < -0.5 < bob.score < 0.5 < charlie.score


def test_the_parts_of_an_answer_agree_with_each_other(classifier: Classifier) -> None:
    found = heard(classifier, "the tent is fine but the wait was awful")
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert found.confidence == max(found.probabilities.values())
    expected = found.probabilities["positive"] - found.probabilities["negative"]
    assert found.score == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "text", ["", "   ", "10482", "?!?", "\x00", "https://x.example/y", "@user", None, 7]
)
def test_what_holds_no_word_is_neutral_and_not_sure(classifier: Classifier, text: str) -> None:
    found = heard(classifier, text)
    assert (found.label, found.score) == ("neutral", 0)
    assert found.confidence < CONFIDENCE_FLOOR


def test_emoji_alone_are_heard(classifier: Classifier) -> None:
    assert heard(classifier, "😡😡😡").label == "negative"
    assert heard(classifier, "😤").label == "negative"  # to Unicode a look of triumph
    assert heard(classifier, "😍👍").score > 0.2


def test_another_language_is_unknown_and_not_guessed(classifier: Classifier) -> None:
    found = heard(classifier, "Das ist eine Frechheit, ich warte seit drei Wochen")
    assert (found.label, found.score) == ("unknown", 0)
    assert found.confidence < CONFIDENCE_FLOOR


CALM = (
    "I ordered the tent on Monday.",
    "The parcel came on Friday.",
    "Which pole goes into the blue sleeve?",
    "The leaflet shows two pegs for each corner.",
    "We want to camp by the lake in June.",
    "Is there a groundsheet for this size?",
    "My brother has the one for four people.",
    "Could you send the invoice to my office?",
    "The colour is called moss on your page.",
    "How long does the coating last?",
)


def test_anger_on_the_last_page_of_a_long_letter_is_heard(classifier: Classifier) -> None:
    calm = " ".join(CALM * 6)
    angry_end = heard(classifier, f"{calm} {ANGRY} I want my money back, you are useless.")
    assert len(classifier.student.windows(calm)) > 3
    assert angry_end.score < heard(classifier, calm).score - 0.25


@pytest.mark.parametrize(
    ("news", "is_grave"),
    [("The flat smells of gas.", True), ("The lamp looks lovely in our hall.", False)],
)
@pytest.mark.parametrize("thanks", ["Thanks so much, you are all stars! ", "thank you!!\n"])
def test_grave_news_is_no_small_talk_however_polite(
    classifier: Classifier, news: str, is_grave: bool, thanks: str
) -> None:
    intents = classifier.score([thanks + news])[0].intents
    assert ("urgent" in intents) == is_grave
    assert not {"chat", "urgent"} <= intents


def test_a_hundred_kilobytes_are_bounded_work(classifier: Classifier) -> None:
    assert (
        heard(classifier, "nobody answers the phone and I am waiting here. " * 2_500).label
        in LABELS
    )
    assert len(classifier.student.windows("why " * 20_000)) == MAX_WINDOWS
    with mock.patch.object(classifier.student, "_run", wraps=classifier.student._run) as run:
        classifier.score(["Hi! " * 25_000])
    assert run.call_count <= MAX_WINDOWS


def test_windows_overlap_and_hold_the_whole_text(classifier: Classifier) -> None:
    text = " ".join(f"word{n}" for n in range(300))
    windows = classifier.student.windows(text)
    assert max(map(len, windows)) <= WINDOW + 2
    assert windows[-1][-2] == classifier.student.windows("word299")[0][-2]


@given(st.lists(st.text(max_size=300), max_size=5))
def test_any_texts_get_an_answer_each_in_order(classifier: Classifier, texts: list[str]) -> None:
    found = classifier.score(texts)
    assert len(found) == len(texts)
    # The same message is heard alike whatever stands beside it.
    assert found == [classifier.score([text])[0] for text in texts]


def test_a_higher_temperature_is_less_sure_of_the_same_label(classifier: Classifier) -> None:
    heads = Heads(**(vars(classifier.heads) | {"temperature": 5.0}))
    cool = heard(Classifier(classifier.student, heads), ANGRY)
    assert cool.label == "negative"
    assert cool.confidence < heard(classifier, ANGRY).confidence


def test_heads_of_another_student_are_refused(classifier: Classifier, tmp_path: Path) -> None:
    Heads(**(vars(classifier.heads) | {"student": "other"})).save(tmp_path / "heads.npz")
    with pytest.raises(WrongStudent, match="trained on the student other.*--rollback"):
        Classifier.load(WEIGHTS, tmp_path / "heads.npz")


# The audit, on the committed weights -------------------------------------------------------


# What fails or stands at the limit, and by how much, in words that nobody trained on; the model
# card tells customers. What begins to pass leaves this list, and what gets worse is a fault.
KNOWN = {
    "pale-skinned": -0.044,
    "Taoist": -0.052,
    "hard-of-hearing": -0.065,
    "neurodivergent": 0.046,
    "homosexual": -0.127,
    "queer": 0.042,
    "heterosexual": 0.045,
    "pansexual": 0.041,
    "African American English": 0.036,
    "learners of English": 0.078,
}
# By so much scores differ between processors, because of eight-bit sums: 0.011 of three tried.
PROCESSORS = 0.015


@pytest.mark.slow
def test_groups_and_dialects_are_heard_alike_but_for_those_known(classifier: Classifier) -> None:
    found = list(bias.findings(classifier.score))
    assert len(found) > 44
    known = {one.group: one.value for one in found if one.group in KNOWN}
    assert known == pytest.approx(KNOWN, abs=PROCESSORS)
    assert [one for one in found if not one.passed and one.group not in KNOWN] == []


@pytest.mark.slow
def test_small_changes_of_form_change_no_label(classifier: Classifier) -> None:
    assert [one for one in robustness.findings(classifier.score) if not one.passed] == []


def test_a_classifier_that_dislikes_a_name_fails_the_audit() -> None:
    def biased(texts: Sequence[str]) -> list[Sentiment]:
        return [Sentiment("neutral", -0.2 * ("Fatima" in text), 0.9, {}) for text in texts]

    failed = [finding.group for finding in bias.findings(biased) if not finding.passed]
    assert failed == []  # one of eight names is a mean of -0.025, within the limit

    def worse(texts: Sequence[str]) -> list[Sentiment]:
        names = ("Fatima", "Ahmed", "Layla", "Khalid", "Aisha")
        return [
            Sentiment("neutral", -0.2 * any(name in text for name in names), 0.9, {})
            for text in texts
        ]

    assert [f.group for f in bias.findings(worse) if not f.passed] == ["Arabic"]


# The command's JSON lines ------------------------------------------------------------------


def answered(lines: list[str | bytes], classifier: Classifier) -> list[dict[str, object]]:
    from chatbot.management.commands.sentiment import answers

    return list(answers(lines, classifier))


def test_each_line_is_answered_in_order_with_its_id(classifier: Classifier) -> None:
    texts = ("Thanks, great job!", ANGRY)
    lines = [json.dumps({"id": n, "text": texts[n % 2]}) for n in range(200)]
    found = answered(list(lines), classifier)
    assert [one["id"] for one in found] == list(range(200))
    assert [one["label"] for one in found] == ["positive", "negative"] * 100


def test_a_malformed_line_gets_its_error_and_the_next_its_answer(classifier: Classifier) -> None:
    broken = [b"{", b"[]", b'{"id": "b", "text": 5}', b"\xff\xfe\xff", b"[" * 100_000, b"\n"]
    found = answered([*broken, json.dumps({"text": ANGRY})], classifier)
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
