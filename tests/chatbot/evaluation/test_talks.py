"""Conversations become lessons: what answers a follow-up, and what it leans on."""

from typing import Any

from chatbot.evaluation import talks
from chatbot.reply.retrieve import CITED, CITED_LAST
from inference.reading.training.data import Lesson

COMPANY: list[dict[str, Any]] = [
    {"company": "Bins", "trade": "council", "writer": "x"},
    {"article": {"id": "bins", "title": "Bins", "text": "Black bins: Thursday.\n\nGreen: Friday."}},
    {
        "record": {
            "id": "job:1",
            "kind": "job",
            "customer": "c1",
            "title": "Job 1",
            "fields": {"due": "2026-11-30"},
            "updated_at": "2026-11-01T00:00:00Z",
        }
    },
    {
        "record": {
            "id": "job:2",
            "kind": "job",
            "customer": "c2",
            "title": "Job 2",
            "fields": {"due": "2026-12-30"},
            "updated_at": "2026-11-01T00:00:00Z",
        }
    },
]
TALK: dict[str, Any] = {
    "company": "bins",
    "customer": "c1",
    "today": "2026-11-20",
    "turns": [
        {"text": "my bin?", "of": ["bins"], "line": ["Black bins: Thursday"], "self": True},
        {"text": "thanks", "of": [], "line": ["chat"], "self": True},
        {"text": "and my job?", "of": ["job:1"], "line": ["due"], "self": False},
        {"text": "why?", "of": [], "line": [], "self": False},
    ],
}


def test_each_question_has_its_line_and_what_was_said_before() -> None:
    lesson = talks.lesson(talks.owned(COMPANY), TALK)
    lines = lines_of(lesson)
    first, due, why = lesson.asked
    assert [lines[place] for place in first.right] == ["Black bins: Thursday."]
    assert [lines[place] for place in due.right] == ["Due: 30 November 2026"]
    assert (due.asked_before, due.before) == ("thanks", "thanks / ")
    assert why.right == frozenset() and why.before.startswith("and my job? / Due:")


def test_another_customers_record_is_not_among_the_lines() -> None:
    lesson = talks.lesson(talks.owned(COMPANY), TALK)
    assert not any("30 December" in line for line in lines_of(lesson))


def test_a_question_leans_on_the_last_answer_more_than_on_an_earlier_one() -> None:
    lesson = talks.lesson(talks.owned(COMPANY), TALK)
    lines = lines_of(lesson)
    first, _, why = lesson.asked
    assert first.leaning == {}
    assert {lines[place]: more for place, more in why.leaning.items()} == {
        "Black bins: Thursday.": CITED,
        "Green: Friday.": CITED,
        "Due: 30 November 2026": CITED + CITED_LAST,
    }


def test_a_row_of_a_table_is_found_in_the_line_that_it_is_written_as() -> None:
    table = (
        "| Bin | Price |\n|---|---|\n| Small, 80 litres | EUR 40 |\n| Large, 240 litres | EUR 90 |"
    )
    article = {"id": "prices", "title": "Prices", "text": f"{table}\n\nBags cost EUR 2."}
    turn = {"text": "the big one?", "of": ["prices"], "self": True}
    for piece in ("| Large, 240 litres | EUR 90 |", "Large, 240 litres | EUR 90"):
        talk = {**TALK, "turns": [{**turn, "line": [piece]}]}
        lesson = talks.lesson(talks.owned([*COMPANY, {"article": article}]), talk)
        lines = lines_of(lesson)
        [asked] = lesson.asked
        assert ["Large" in lines[place] for place in asked.right] == [True]


def test_a_field_is_not_another_one_whose_name_contains_its_own() -> None:
    due = {"next_due": "2026-12-05", "due": "2026-11-30"}
    job = {**COMPANY[2]["record"], "id": "job:3", "fields": due}
    turn = {"text": "when?", "of": ["job:3"], "line": ["due"], "self": True}
    lesson = talks.lesson(talks.owned([*COMPANY, {"record": job}]), {**TALK, "turns": [turn]})
    assert [lines_of(lesson)[place] for place in lesson.asked[0].right] == ["Due: 30 November 2026"]


def test_a_piece_of_text_is_sought_only_in_its_own_record_or_article() -> None:
    turn = {
        "text": "my job, and my bin?",
        "of": ["job:1", "bins"],
        "line": ["due", "Black bins: Thursday."],
        "self": True,
    }
    article = {"id": "fees", "title": "Fees", "text": "Fees are due monthly."}
    rows = [*COMPANY, {"article": article}]
    both = {**turn, "of": ["job:1", "fees"], "line": ["due", "Fees are due monthly."]}
    for given, held in ((turn, "Black bins: Thursday."), (both, "Fees are due monthly.")):
        lesson = talks.lesson(talks.owned(rows), {**TALK, "turns": [given]})
        found = {lines_of(lesson)[place] for place in lesson.asked[0].right}
        assert found == {"Due: 30 November 2026", held}


def lines_of(lesson: Lesson) -> list[str]:
    return [line for _, own in lesson.passages for line in own]
