"""Measures the grounding check on {"record", "pairs": [{"question", "sentence", "supported"}]}.

A pair may name its fault in `wrong`: "other date", "wrong field", "negation".
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatbot.evaluation.check import check
from crm.knowledge.passages import passages
from crm.knowledge.records import parse
from inference.evaluation.answers import spread
from inference.evaluation.markdown import table

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Checked:
    sentence: str
    supported: bool
    wrong: str
    shown: bool
    told: bool
    objections: tuple[str, ...]
    seconds: float


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    checked = [pair for row in rows for pair in each(row)]
    kinds = dict.fromkeys(pair.wrong for pair in checked if not pair.supported)
    supported = [pair for pair in checked if pair.supported]
    return {
        "figures": {
            "supported_withheld": share([not pair.shown for pair in supported]),
            "supported_told": share([pair.told for pair in supported]),
            "unsupported_shown": share([pair.shown for pair in checked if not pair.supported]),
            "by_kind": {
                kind: share([pair.shown for pair in checked if pair.wrong == kind])
                for kind in kinds
            },
            "seconds": spread([pair.seconds for pair in checked]),
        },
        "wrong": "".join(explained(pair) for pair in checked if pair.shown != pair.supported),
    }


def each(row: dict[str, Any]) -> Iterator[Checked]:
    text = whole(passages(parse(row["record"])))
    for pair in row["pairs"]:
        began = time.perf_counter()
        found = check(pair["sentence"], text, pair["question"])
        yield Checked(
            pair["sentence"],
            pair["supported"],
            "" if pair["supported"] else pair.get("wrong", "unsupported"),
            found.text == pair["sentence"],
            bool(found.text) and found.text != pair["sentence"],
            found.missing,
            time.perf_counter() - began,
        )


def whole(texts: list[str]) -> str:
    """Join the record's passages into one, with the title once."""
    first, *rest = texts
    return "\n".join([first, *(text.partition("\n")[2] for text in rest)])


def share(values: list[bool]) -> dict[str, int]:
    return {"count": sum(values), "of": len(values)}


def as_text(result: dict[str, Any]) -> str:
    figures = result["figures"]
    rows = [("unsupported, shown", figures["unsupported_shown"])]
    rows += [(f"– {kind}, shown", row) for kind, row in figures["by_kind"].items()]
    rows += [("supported, withheld", figures["supported_withheld"])]
    rows += [("– of these, told in the record's words", figures["supported_told"])]
    seconds = figures["seconds"]
    return table(["sentences", "wrong", "of", "share"], [cells(*row) for row in rows]) + (
        f"\n\n{1000 * seconds['median']:.1f} ms a sentence at the median, "
        f"{1000 * seconds['p95']:.1f} at the 95th percentile."
    )


def cells(name: str, row: dict[str, int]) -> list[str]:
    return [name, str(row["count"]), str(row["of"]), f"{row['count'] / max(1, row['of']):.1%}"]


def explained(pair: Checked) -> str:
    outcome = f"shown ({pair.wrong})" if pair.shown else "withheld"
    return f"\n{outcome}: {pair.sentence}\n    {'; '.join(pair.objections) or 'no objection'}\n"
