"""The demo's evaluation questions can be answered, or must be refused, from its records."""

import json
import re
from collections import Counter

from crm.demo import shop
from tests.crm.demo.test_demo import RECORDS, rendered

QUESTIONS = [
    json.loads(line)
    for line in (shop.FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_questions_cover_every_kind():
    kinds = Counter(question["kind"] for question in QUESTIONS)
    assert set(kinds) == {
        "own-record", "shared", "other-customer", "not-on-record", "human", "small-talk",
    }  # fmt: skip
    assert min(kinds.values()) >= 4
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question["question"].lower() for question in QUESTIONS}) == len(QUESTIONS)


def test_every_kind_expects_its_own_thing():
    wanted = {
        "other-customer": "refuse", "not-on-record": "refuse", "human": "handoff",
        "small-talk": "chat",
    }  # fmt: skip
    for question in QUESTIONS:
        assert list(question) == [
            "id", "kind", "customer", "question", "expect", "relevant", "forbid",
        ]  # fmt: skip
        assert question["customer"] is None or question["customer"] in shop.customers()
        if question["kind"] in wanted:
            assert question["expect"] == wanted[question["kind"]]
            assert question["relevant"] == []
        else:
            assert isinstance(question["expect"], list) and question["relevant"]
        assert bool(question["forbid"]) == (question["kind"] == "other-customer")


def test_the_asker_may_see_every_relevant_record():
    for question in QUESTIONS:
        for name in question["relevant"]:
            assert RECORDS[name]["customer"] in (None, question["customer"]), question["id"]
        if question["kind"] == "own-record":
            owners = {RECORDS[name]["customer"] for name in question["relevant"]}
            assert question["customer"] in owners


def test_every_expected_group_stands_in_a_relevant_record():
    for question in QUESTIONS:
        if isinstance(question["expect"], list):
            texts = [rendered(RECORDS[name]) for name in question["relevant"]]
            for group in question["expect"]:
                found = any(option.lower() in text for option in group for text in texts)
                assert found, (question["id"], group)


def test_what_is_forbidden_is_another_customers_secret():
    texts = [(record["customer"], rendered(record)) for record in RECORDS.values()]
    for question in QUESTIONS:
        visible = (None, question["customer"])
        seen = "\n".join(text for customer, text in texts if customer in visible)
        hidden = "\n".join(text for customer, text in texts if customer not in visible)
        secrets = [text for text in question["forbid"] if text.lower() in hidden]
        assert secrets or not question["forbid"], question["id"]
        shown = f"{seen}\n{question['question'].lower()}"
        leaked = [text for text in question["forbid"] if text.lower() in shown]
        assert not leaked, (question["id"], leaked)


def test_what_is_not_on_record_really_is_not():
    for question in QUESTIONS:
        if question["kind"] == "not-on-record":
            for number in re.findall(r"\d{5}|RMA-\d+", question["question"]):
                assert f"order:{number}" not in RECORDS
                assert f"return:{number}" not in RECORDS
