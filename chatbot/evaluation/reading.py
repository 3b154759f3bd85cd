"""Reading: {"question", "lines", "answers"} or {"premise", "claim", "label"} a line, or companies,
or conversations with companies in the folder `companies` beside the file.

`answers` are the places of the lines that answer, none where nothing does; `label` is "supported"
or "unsupported"; `src` names where a row comes from.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from chatbot.engines import reader
from chatbot.evaluation import companies, talks
from chatbot.evaluation.check import LOWEST, check
from inference.evaluation import reading
from inference.evaluation.markdown import table
from inference.evaluation.reading import Judged, Ranked
from inference.lines import titled

Rows = list[dict[str, Any]]


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    rows = list(laid_out(rows, Path(options["file"]).parent / "companies"))
    shown = tqdm(rows, unit=" rows", disable=None, leave=False)
    read = [ranked(row) if "question" in row else judged(row) for row in shown]
    asked = [one for one in read if isinstance(one, Ranked)]
    claimed = [one for one in read if isinstance(one, Judged)]
    figures = {"reader": reading.reader(asked), "check": reading.check(claimed)}
    by_source = {"reader": by(asked, reading.reader), "check": by(claimed, reading.check)}
    return {"figures": figures | {"by_source": by_source}, "wrong": wrong(rows, read)}


def laid_out(rows: Rows, folder: Path) -> Iterable[dict[str, Any]]:
    """Return the questions and sentences of rows in any of the forms."""
    if rows and "turns" in rows[0]:
        return talks.rows_of(rows, folder)
    return companies.rows_of(rows) if rows and "company" in rows[0] else rows


def ranked(row: dict[str, Any]) -> Ranked:
    if passages := row.get("passages"):
        lines = titled(passages)
        before = row.get("asked_before", "")
        scores = np.concatenate(reader.line_reader().scores(row["question"], passages, before))
    else:
        # A long line may be cut into several, and a blank one has none.
        lines = [("", line) for line in row["lines"]]
        alone = reader.line_reader().scores(row["question"], [f"\n{line}" for _, line in lines])
        scores = np.array([one.max(initial=LOWEST) for one in alone], np.float32)
    liked = np.array([row.get("leaning", {}).get(at, 0.0) for at in range(len(lines))], np.float32)
    found = reader.reranker().rank(row["question"], lines, scores, liked, row.get("before", ""))
    certainty = float(found.probabilities[found.ranks.argmax()])
    return Ranked(source_of(row), found.ranks.tolist(), frozenset(row["answers"]), certainty)


def judged(row: dict[str, Any]) -> Judged:
    found = check(row["claim"], row["premise"])
    supported, shown = row["label"] == "supported", found.text == row["claim"]
    return Judged(source_of(row), supported, found.score, shown, bool(found.text) and not shown)


def source_of(row: dict[str, Any]) -> str:
    return str(row.get("src", "")) or "no source"


def by(rows: Sequence[Any], figures: Callable[[Sequence[Any]], dict[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(row.source for row in rows)
    return {name: figures([row for row in rows if row.source == name]) for name in names}


def wrong(rows: Rows, read: Iterable[Ranked | Judged]) -> str:
    return "".join(
        f"\n{'shown' if one.shown else 'withheld'} ({one.source}): {row['claim']}\n"
        for row, one in zip(rows, read, strict=True)
        if isinstance(one, Judged) and one.shown != one.supported
    )


def as_text(result: dict[str, Any]) -> str:
    tables = []
    for part, head in (("reader", "questions"), ("check", "sentences")):
        whole, sources = result["figures"][part], result["figures"]["by_source"][part]
        names = [name for name in whole if name != "n"]
        rows = [("all", whole), *sorted(sources.items())]
        cells = [[name, str(row["n"]), *(cell(row[key]) for key in names)] for name, row in rows]
        tables.append(table([part, head, *names], cells))
    return "\n\n".join(tables)


def cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
