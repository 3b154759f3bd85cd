"""The conversations keep to their form: each line that answers is there."""

import json
from pathlib import Path
from typing import Any

import pytest

import inference

ROOM = Path(inference.__file__).parent
FILES = [
    *sorted((ROOM / "conversations").glob("*.jsonl")),
    ROOM / "reading" / "several.jsonl",
    ROOM / "reading" / "messages.jsonl",
]
INSTEAD = {"chat", "person"}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def sources(company: str) -> dict[str, dict[str, Any]]:
    found = [row.get("record") or row.get("article") for row in rows(company_file(company))]
    return {one["id"]: one for one in found if one}


def company_file(company: str) -> Path:
    return ROOM / "reading" / "companies" / f"{company}.jsonl"


def letters(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_answers_a_message_is_in_the_company(path: Path) -> None:
    for row in rows(path):
        known = sources(row["company"])
        for turn in row["turns"]:
            assert turn["text"].strip() and isinstance(turn["self"], bool)
            assert set(turn["of"]) <= set(known), turn
            pieces = [piece for piece in turn["line"] if piece not in INSTEAD]
            assert bool(pieces) == bool(turn["of"]), turn
            held = "".join(letters(json.dumps(known[id], ensure_ascii=False)) for id in turn["of"])
            assert all(letters(piece) in held for piece in pieces), turn


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_customer_has_records_there_or_is_nobody(path: Path) -> None:
    for row in rows(path):
        owners = {one.get("customer") for one in sources(row["company"]).values()}
        assert row["customer"] is None or row["customer"] in owners


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_questions_of_a_message_make_it_up(path: Path) -> None:
    for row in rows(path):
        if "text" in row:
            whole = "".join(turn["text"] for turn in row["turns"])
            assert "".join(whole.split()) == "".join(row["text"].split())
