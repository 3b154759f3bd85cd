"""What became of each question, and how it is told."""

from typing import Any

from inference.evaluation.answers import judge, table
from inference.evaluation.markdown import table as markdown


def answer(text: str, state: str = "answered") -> dict[str, Any]:
    usage = {"prompt_tokens": 200, "completion_tokens": 20}
    timings = {"first_sentence": 1.5, "total": 2.0}
    return {"answer": text, "state": state, "withheld": [], "timings": timings, "usage": usage}


def question(**changed: Any) -> dict[str, Any]:
    return {
        "id": "q1",
        "kind": "own-record",
        "expect": [["3 May", "May 3"]],
        "forbid": ["Harbour Freight"],
    } | changed


def test_an_answer_is_right_when_one_of_each_group_stands_in_it() -> None:
    assert judge(question(), answer("It was sent on 3 May.")).outcome == "right"
    assert judge(question(), answer("It was sent on 4 May.")).outcome == "wrong"


def test_a_right_answer_with_a_forbidden_string_is_forbidden() -> None:
    said = answer("Sent on 3 May with Harbour Freight.")
    assert judge(question(), said).outcome == "forbidden"


def test_no_answer_where_one_was_expected_is_told_apart_from_a_wrong_one() -> None:
    assert judge(question(), answer("Not on record.", "refused")).outcome == "refused"
    assert judge(question(), answer("A colleague will help.", "handoff")).outcome == "handed off"


def test_a_refusal_is_right_where_it_is_expected() -> None:
    asked = question(expect="refuse")
    assert judge(asked, answer("Not on record.", "refused")).outcome == "right"
    assert judge(asked, answer("It costs 3 euros.")).outcome == "wrong"


def test_the_outcomes_of_a_kind_add_up_to_its_questions() -> None:
    said = [answer("3 May"), answer("4 May"), answer("-", "refused"), answer("Harbour Freight")]
    row = table([judge(question(), one) for one in said])[0]
    assert [row[name] for name in ("right", "wrong", "refused", "forbidden")] == [1, 1, 1, 1]
    assert row["questions"] == 4
    assert row["prompt_tokens"] == 800


def test_a_table_is_markdown_with_its_columns_in_line() -> None:
    lines = markdown(["kind", "right"], [["own-record", "66"], ["all", "132"]]).splitlines()
    assert lines == [
        "| kind       | right |",
        "| ---------- | ----: |",
        "| own-record |    66 |",
        "| all        |   132 |",
    ]
