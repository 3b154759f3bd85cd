"""Judges the answers in conversations of several turns: {"company", "customer", "today", "turns"}.

A row with a `text` is one message, whose `expect` is about the whole answer
(`inference/conversations/README.md`). Each company's records lie in the folder `companies` beside
the file. The form is described in `inference/reading/companies/README.md`.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chatbot.evaluation import answers, companies
from chatbot.evaluation.answers import Pair, Rows
from chatbot.evaluation.apart import apart
from inference import json_lines
from inference.evaluation.answers import judge, table

as_text = answers.as_text


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    pairs = held(rows, Path(options["file"]).parent / "companies")
    judged = [verdict for _, _, verdict in pairs]
    wrong = "".join(answers.explained(*pair) for pair in pairs if not pair[2].right)
    return {"figures": table(judged), "wrong": wrong, "judged": judged, "joules": None}


def held(rows: Rows, folder: Path) -> list[Pair]:
    """Hold the conversations of each company on a database that holds its records alone."""
    pairs: list[Pair] = []
    ordered = sorted(rows, key=lambda row: row["company"])
    with apart() as empty:
        for name, own in tqdm(groupby(ordered, key=lambda row: row["company"]), disable=None):
            records = companies.records(list(json_lines.rows(folder / f"{name}.jsonl")))
            asked = [turn for number, row in enumerate(own) for turn in turns(row, number)]
            given = "".join(json.dumps(turn) + "\n" for turn in asked)
            told = empty.holding(records).manage(["ask", "--jsonl"], given)
            found = map(json.loads, told.splitlines())
            pairs += [(q, a, judge(q, a)) for q, a in zip(asked, found, strict=True)]
    return pairs


def turns(row: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Yield the turns of a conversation, or a message as a whole, as `evaluate answers` takes
    questions."""
    for place, turn in enumerate([row] if "text" in row else row["turns"]):
        yield {
            "id": f"{row['company']} {number + 1}.{place + 1}",
            "kind": "follow-up" if place else "first",
            "customer": row["customer"],
            "today": row["today"],
            "question": turn["text"],
            "expect": turn["expect"],
            "forbid": turn.get("forbid", []),
            "follows": bool(place),
        }
