"""A company written by hand becomes questions beside lines, and sentences about a text."""

from typing import Any

import pytest

from chatbot.evaluation import companies
from inference.lines import cut

TEXT = """Opening hours of the clinic.

| Day | Dentistry |
| --- | --- |
| Friday | closed |
| Saturday | 9 to 12 |

Bring your card. Without it you pay first."""
COMPANY: list[dict[str, Any]] = [
    {"company": "Ash Dental", "trade": "dentist", "writer": "alice"},
    {
        "record": {
            "id": "visit:7",
            "kind": "visit",
            "title": "Visit 7",
            "fields": {"next_visit": "2026-12-01"},
        }
    },
    {"article": {"id": "hours", "title": "Hours", "text": TEXT}},
    {
        "of": "hours",
        "kind": "other row",
        "yes": "You can come on Saturday.",
        "no": "You can come on Friday.",
    },
    {"q": "open on saturday?", "of": "hours", "line": "Saturday | 9 to 12"},
    {"q": "what if I forget my card", "of": "hours", "line": "Without it you pay first"},
    {"q": "when do I come next", "of": "visit:7", "line": "Next visit"},
    {"none": "Do you have parking?", "near": "hours"},
]


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return list(companies.rows_of(COMPANY))


def test_each_sentence_stands_beside_the_whole_text(rows: list[dict[str, Any]]) -> None:
    right, wrong = (row for row in rows if "claim" in row)
    assert right["premise"] == wrong["premise"]
    assert right["premise"].startswith("Hours\nOpening hours of the clinic.")
    assert (right["label"], wrong["label"]) == ("supported", "unsupported")
    assert wrong["src"] == "company/other row"


def test_each_question_has_the_line_that_the_writer_named(rows: list[dict[str, Any]]) -> None:
    asked = {row["question"]: row for row in rows if "question" in row}
    answers = {
        question: [lines_of(row)[place] for place in row["answers"]]
        for question, row in asked.items()
    }
    assert answers == {
        "open on saturday?": ["Saturday · Dentistry: 9 to 12"],
        "what if I forget my card": ["Bring your card. Without it you pay first."],
        "when do I come next": ["Next visit: 1 December 2026"],
        "Do you have parking?": [],
    }


def test_a_row_of_a_table_is_named_by_its_cells() -> None:
    asked = {"q": "and on fridays?", "of": "hours", "line": "| Friday | closed |"}
    *_, row = companies.rows_of([*COMPANY, asked])
    assert [lines_of(row)[place] for place in row["answers"]] == ["Friday · Dentistry: closed"]


def test_the_reader_learns_from_a_company_what_its_writer_named() -> None:
    lesson = companies.lesson(COMPANY)
    texts = [line for _, lines in lesson.passages for line in lines]
    assert [sorted(texts[at] for at in one.right) for one in lesson.asked] == [
        ["Saturday · Dentistry: 9 to 12"],
        ["Bring your card. Without it you pay first."],
        ["Next visit: 1 December 2026"],
        [],
    ]


def test_two_companies_keep_to_themselves() -> None:
    other = [
        {"company": "Beech Gym", "trade": "gym", "writer": "bob"},
        {"article": {"id": "pool", "title": "Pool", "text": "The pool is warm."}},
        {"none": "Is there a sauna?", "near": "pool"},
    ]
    *_, last = companies.rows_of([*COMPANY, *other])
    assert last["passages"] == ["Pool\nThe pool is warm."]


def lines_of(row: dict[str, Any]) -> list[str]:
    return [line for passage in row["passages"] for line in cut(passage)[1]]
