"""The files of test questions: what is read, what is refused and why, and what comes out."""

import json
from typing import Any

import pytest

from chatbot.models import Case, Inbox
from chatbot.teaching.questions import BadLine, as_row, case_of, cases_of
from crm.models import Customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    Customer.objects.create(id="alice")
    Inbox.objects.create(key="shop", name="Shop")


def line(**values: Any) -> bytes:
    row = {"question": "How long?", "customer": None, "expect": [["30 days", "thirty"]]}
    return json.dumps(row | values).encode()


def test_a_line_of_an_evaluation_file_is_a_question() -> None:
    case = case_of(line(id="1", kind="article", customer="alice", forbid=["14"]))
    assert (case.question, case.customer_id, case.expect) == (
        "How long?",
        "alice",
        [["30 days", "thirty"]],
    )
    assert case_of(line(expect="refuse")).expect == "refuse"
    assert case_of(line(expect=[], record="articles/1", inbox="shop")).inbox.key == "shop"


def test_what_is_exported_comes_back_the_same() -> None:
    before = {"history": [["customer", "Hi"]], "cited": [["a"]], "choices": [], "offered": False}
    case = case_of(
        line(customer="alice", record="x", inbox="shop", before=before, answer="30 days")
    )
    case.save()
    again = case_of(json.dumps(as_row(case)).encode())
    same = ("question", "customer_id", "inbox_id", "before", "expect", "forbid", "answer", "record")
    assert [getattr(again, name) for name in same] == [getattr(case, name) for name in same]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"question": "\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (line(question=" \u200b"), "must be a text that is not empty"),
        (line(question="x" * 4001), "at most 4000"),
        (line(question=7), "must be a text"),
        (line(customer="mallory"), "no customer 'mallory'"),
        (line(customer=["alice"]), "no customer"),
        (line(customer="a\x00"), "it has a NUL"),
        (line(before={"history": [["bot", "\ud83d"]]}), "half of a character"),
        (line(customer=""), "no customer"),
        (line(inbox="none"), "no inbox 'none'"),
        (line(expect=[]), 'give "record", or "expect"'),
        (line(expect="perhaps"), 'give "record", or "expect"'),
        (line(expect=[["", "x"]]), 'give "record", or "expect"'),
        (line(expect=[[]]), 'give "record", or "expect"'),
        (line(forbid="14"), '"forbid" must be a list'),
        (line(before={"history": 7}), '"before" must be'),
        (line(before={"evil": 1}), '"before" must be'),
        (line(record="x" * 201), "at most 200"),
        (b"{" + b'"a":{' * 300 + b"}" * 301, "nested more than"),
    ],
)
def test_a_bad_line_says_what_it_needs_and_the_next_is_read(bad: bytes, says: str) -> None:
    first, second = cases_of([bad, line()])
    assert isinstance(first, BadLine) and str(first).startswith("Line 1: ")
    assert says in str(first)
    assert isinstance(second, Case)
