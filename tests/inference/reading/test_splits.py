"""The messages with several questions keep to their form, and most are taken apart."""

from pathlib import Path
from statistics import mean

import pytest

import inference
from chatbot.reply.questions import questions
from inference.json_lines import rows
from inference.reading import splitting
from inference.reading.training.heads import in_parts, marked, messages

FOLDER = Path(inference.__file__).parent / "reading" / "splits"
TRAINED = sorted(FOLDER.glob("*.txt"))
TESTED = Path(__file__).parents[2] / "fixtures" / "splits.jsonl"
CHOSEN_BY = FOLDER / "thresholds.jsonl"


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: path.stem)
def test_each_mark_stands_before_a_question(path: Path) -> None:
    for line in path.read_text().splitlines():
        text, begins = marked(line)
        assert not {"‖", "⏎"} & {*text}, line
        assert all(text[begin - 1].isspace() and not text[begin].isspace() for begin in begins)
        assert len(begins) == line.count("‖")


def test_a_new_line_may_stand_before_another_question() -> None:
    assert marked("is it open ⏎ ‖ 2) and till when") == ("is it open\n2) and till when", {11})
    assert marked("how much ‖ & till when") == ("how much & till when", {9})
    assert marked("is it Monday or Tuesday?") == ("is it Monday or Tuesday?", set())


def test_a_part_of_a_message_begins_with_its_first_word() -> None:
    row = {"text": "is it open - & till when", "turns": [{"text": "is it open -"}]}
    assert in_parts(row) == ("is it open - & till when", set())
    row["turns"].append({"text": "& till when"})
    assert in_parts(row) == ("is it open - & till when", {13})
    turns = [{"text": "is it open"}, {"text": "- till when?"}]
    assert in_parts({"text": "is it open - till when?", "turns": turns})[1] == {13}


@pytest.mark.parametrize(
    ("before", "after", "is_seam"),
    [
        ("1) is it open? 2)", "how much is it", False),
        ("1. what is the fee 2.", "who pays it", False),
        ("1.", "what is the fee", False),
        ("do you open before 9.", "where do I park", True),
        ("dad is in ward 6.", "how late can I visit", True),
    ],
)
def test_a_number_belongs_to_the_question_that_it_counts(
    before: str, after: str, is_seam: bool
) -> None:
    assert bool(splitting.signs_of(before, " ", after)) == is_seam


def test_no_message_is_both_trained_and_tested_on() -> None:
    trained = {text for text, _ in messages()}
    chosen_by, tested = ({row["text"] for row in rows(path)} for path in (CHOSEN_BY, TESTED))
    assert not trained & chosen_by and not (trained | chosen_by) & tested


@pytest.mark.slow
def test_what_another_writer_asks_is_taken_apart() -> None:
    right: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows(TESTED):
        has_two = len(row["asks"]) > 1
        right[has_two].append((len(questions(row["text"])) > 1) == has_two)
    assert mean(right[True]) >= 0.74 and mean(right[False]) >= 0.8
