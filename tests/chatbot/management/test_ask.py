"""`manage.py ask` answers questions of customers, one or a line each."""

import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command

from chatbot.reply.ask import Talk
from crm.models import Customer


async def echo(
    question: str, customer: str | None, today: date | None, talk: Talk | None = None
) -> dict[str, Any]:
    before = len(talk.history) if talk else 0
    if talk:
        talk.history.append(("customer", question))
    return {"question": question, "customer": customer, "today": str(today), "before": before}


@pytest.fixture(autouse=True)
def pipeline(db: None) -> Iterator[None]:
    Customer.objects.create(id="alice")
    Customer.objects.create(id="bob")
    with mock.patch("chatbot.management.commands.ask.ask", echo):
        yield


def answers(capsys: pytest.CaptureFixture[str], *lines: Any) -> list[dict[str, Any]]:
    with mock.patch("sys.stdin", io.StringIO("\n".join(map(json.dumps, lines)))):
        call_command("ask", "--jsonl")
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_line_is_asked_as_its_own_customer(capsys: pytest.CaptureFixture[str]) -> None:
    found = answers(
        capsys,
        {"id": 1, "customer": "alice", "question": "Where is it?"},
        {"id": 2, "customer": "bob", "question": "And mine?"},
        {"id": 3, "customer": None, "question": "Are you open?"},
    )
    assert [(row["id"], row["customer"]) for row in found] == [
        (1, "alice"),
        (2, "bob"),
        (3, None),
    ]


def test_a_bad_line_is_answered_and_the_next_one_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad, good = answers(
        capsys,
        {"id": 1, "customer": " ", "question": "Where is it?"},
        {"id": 2, "customer": "alice", "question": "Where is it?"},
    )
    assert "error" in bad and good["customer"] == "alice"


def test_one_question_is_asked_as_the_named_customer(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("ask", "--json", "--customer", "alice", "--today", "2026-11-29", "Where is it?")
    found = json.loads(capsys.readouterr().out)
    assert (found["customer"], found["today"]) == ("alice", "2026-11-29")


def test_a_line_may_follow_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"id": 1, "customer": "alice", "question": "Is it late?"}
    found = answers(capsys, asked, asked | {"follows": True}, asked | {"follows": True}, asked)
    assert [row["before"] for row in found] == [0, 1, 2, 0]


def test_a_line_may_say_which_day_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    asked = {"id": 1, "customer": "alice", "question": "Is it late?"}
    [found] = answers(capsys, asked | {"today": "2026-11-29"})
    assert found["today"] == "2026-11-29"
    [refused] = answers(capsys, asked | {"today": "tomorrow"})
    assert "error" in refused
