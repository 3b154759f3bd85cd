"""The companies that reading is trained and tested on keep to their form."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import inference

TRAINED = sorted((Path(inference.__file__).parent / "reading" / "companies").glob("*.jsonl"))
TESTED = sorted((Path(__file__).parents[2] / "fixtures" / "companies").glob("*.jsonl"))
FILES = TRAINED + TESTED


@cache
def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


ROOM = Path(inference.__file__).parent
# The companies that conversations are held with, or messages are written to.
SPOKEN_WITH = {
    row["company"]
    for path in [*(ROOM / "conversations").glob("*.jsonl"), ROOM / "reading" / "messages.jsonl"]
    for row in rows_of(path)
}


def sources(rows: list[dict[str, Any]]) -> dict[str, str]:
    """Their text by id."""
    found = [row.get("record") or row.get("article") for row in rows]
    return {one["id"]: one.get("text") or json.dumps(one) for one in found if one}


def test_each_sentence_and_question_is_of_something_that_is_there() -> None:
    for path in FILES:
        rows = rows_of(path)
        known = sources(rows)
        named = {row[name] for row in rows for name in ("of", "near") if name in row}
        assert named <= set(known), path
        assert all(row["yes"] != row["no"] for row in rows if "yes" in row), path
        articles = [row for row in rows if "line" in row and ":" not in row["of"]]
        assert [row for row in articles if row["line"] not in known[row["of"]]] == [], path


def test_each_company_has_enough_of_everything() -> None:
    for path in FILES:
        rows = rows_of(path)
        count = {name: sum(name in row for row in rows) for name in ("article", "yes", "q", "none")}
        assert count["article"] in {6, 7}, path
        if path.stem in SPOKEN_WITH and not count["q"]:
            continue
        assert count["yes"] == 0 or count["yes"] >= 40, path
        assert count["q"] >= (40 if count["yes"] else 80), path
        assert count["none"] >= 10, path


def test_nothing_is_said_twice_of_a_company() -> None:
    said = [
        (path, row[name].lower())
        for path in FILES
        for row in rows_of(path)
        for name in ("yes", "no")
        if name in row
    ]
    assert len(said) == len(set(said))


def test_no_company_is_both_trained_and_tested_on() -> None:
    names = [rows_of(path)[0]["company"] for path in FILES]
    assert len(names) == len(set(names))
    writers = [{rows_of(path)[0]["writer"] for path in paths} for paths in (TRAINED, TESTED)]
    assert not writers[0] & writers[1]


TURNS = {
    TRAINED[0].parent: TRAINED[0].parents[1] / "turns.jsonl",
    TESTED[0].parent: TESTED[0].parents[1] / "turns.jsonl",
}
OUTCOMES = {"refuse", "chat", "handoff", "ask"}


@pytest.mark.parametrize("folder", TURNS, ids=["trained", "tested"])
def test_conversations_are_about_what_is_there(folder: Path) -> None:
    for row in rows_of(TURNS[folder]):
        company = rows_of(folder / f"{row['company']}.jsonl")
        known = sources(company)
        owners = {one["record"].get("customer") for one in company if "record" in one}
        assert row["customer"] in {*owners, None}
        assert 3 <= len(row["turns"]) <= 6
        for turn in row["turns"]:
            assert set(turn["of"]) <= set(known)
            expected = turn["expect"]
            known_outcome = isinstance(expected, str) and expected in OUTCOMES
            assert known_outcome or (isinstance(expected, list) and all(map(all, expected)))


def test_no_file_of_conversations_has_the_name_of_a_company() -> None:
    conversations = (Path(inference.__file__).parent / "conversations").glob("*.jsonl")
    assert not {path.stem for path in TRAINED} & {path.stem for path in conversations}


def test_the_fields_that_mean_something_are_there() -> None:
    for row in rows_of(TRAINED[0].parents[1] / "roles.jsonl"):
        company = rows_of(TRAINED[0].parent / f"{row['company']}.jsonl")
        records = [one["record"] for one in company if "record" in one]
        fields = {name for one in records if one["kind"] == row["kind"] for name in one["fields"]}
        dates = [row["own_date"], row["expected_date"], row["done_date"]]
        named = [row["status"]["field"], row["total"], *dates]
        assert all(name in fields or name.split(".")[0] in fields for name in named if name), row
