"""Measures retrieval on a file of queries: {"question", "customer", "relevant": record ids}.

The bot's search is compared with its two signals alone, each computed by a stock library on the
same passages: the encoder's vectors in an exact FAISS index, and BM25 by bm25s.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import bm25s
import faiss
import numpy as np
import snowballstemmer
from tqdm import tqdm

from chatbot.evaluation.apart import apart
from crm.knowledge import indexing, search
from crm.models import Passage
from inference.evaluation.markdown import table as markdown
from inference.evaluation.retrieval import CUTS, Ranking, abstention, table

Rows = list[dict[str, Any]]
# Record ids with scores, best first.
Ranked = list[tuple[str, float]]
Search = Callable[[str, str | None], Ranked]
DEPTH = max(CUTS)
# How many passages hold DEPTH records: a record has several.
PASSAGES = 5 * DEPTH
MEASURES = (*(f"recall@{cut}" for cut in CUTS), "mrr")
ABSTENTION = ("floor", "precision", "recall")


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    if options["corpus"]:
        return run_on_corpus(options)
    ranked = {name: rankings(search, rows, options["field"]) for name, search in searches().items()}
    tables: dict[str, Rows] = {name: table(results) for name, results in ranked.items()}
    return {
        "figures": tables | {"abstention": abstention(ranked["both"])},
        "wrong": "".join(missed(rows, ranked["both"], options["field"])),
    }


def searches() -> dict[str, Search]:
    return {"both": both, "meaning": by_meaning, "words": by_words}


def rankings(search: Search, rows: Rows, field: str | None) -> list[Ranking]:
    results = []
    for row in tqdm(rows, unit=" queries", desc=search.__name__, disable=None, leave=False):
        ranked = search(query_of(row, field), row.get("customer"))
        kind, relevant = row.get("kind", "all"), frozenset(row.get("relevant", ()))
        ids, best = [record for record, _ in ranked], ranked[0][1] if ranked else 0.0
        results.append(Ranking(kind, relevant, ids, best))
    return results


def query_of(row: dict[str, Any], field: str | None) -> str:
    names = [field] if field else ["question", "query", "text"]
    for name in names:
        if name in row:
            return str(row[name])
    raise ValueError(f"a line has no {' or '.join(names)}: {json.dumps(row)[:100]}")


def missed(rows: Rows, rankings: list[Ranking], field: str | None) -> Iterator[str]:
    for row, ranking in zip(rows, rankings, strict=True):
        if ranking.relevant and ranking.relevant.isdisjoint(ranking.found[:1]):
            wanted = ", ".join(sorted(ranking.relevant)[:3])
            found = ", ".join(ranking.found[:3])
            yield f"\n{query_of(row, field)}\n    wanted {wanted}; found {found}"


# --- the three searches


def both(query: str, customer: str | None) -> Ranked:
    hits = search.search_records(query, customer, DEPTH)
    return [(hit.record, hit.score) for hit in hits]


def by_meaning(query: str, customer: str | None) -> Ranked:
    records, _, vectors = passages(customer)
    scores, rows = vectors.search(indexing.encoder().encode([query]), min(PASSAGES, len(records)))
    return each_once((records[row], score) for row, score in zip(rows[0], scores[0], strict=True))


def by_words(query: str, customer: str | None) -> Ranked:
    records, words, _ = passages(customer)
    rows, scores = words.retrieve(tokens([query]), k=min(PASSAGES, len(records)), **QUIET)
    return each_once((records[row], score) for row, score in zip(rows[0], scores[0], strict=True))


@cache
def passages(customer: str | None) -> tuple[list[str], bm25s.BM25, faiss.IndexFlatIP]:
    """Return the records, words and vectors of all passages that this customer may see."""
    visible = Passage.objects.filter(search.visible(customer)).order_by("id")
    seen = indexing.with_vectors(visible).filter(vector__isnull=False)
    rows = list(seen.values_list("record_id", "text", "vector"))
    words = bm25s.BM25()
    words.index(tokens([text for _, text, _ in rows]), **QUIET)
    vectors = faiss.IndexFlatIP(indexing.encoder().dimension)
    vectors.add(np.array([indexing.unit(vector) for _, _, vector in rows]))
    return [record for record, _, _ in rows], words, vectors


QUIET = {"show_progress": False}


def tokens(texts: list[str]) -> Any:
    stem = snowballstemmer.stemmer("english").stemWords
    return bm25s.tokenize(texts, stopwords="en", stemmer=stem, **QUIET)


def each_once(ranked: Iterable[tuple[str, float]]) -> Ranked:
    best: dict[str, float] = {}
    for record, score in ranked:
        best.setdefault(record, float(score))
    return list(best.items())[:DEPTH]


# --- a corpus that is not stored


def run_on_corpus(options: dict[str, Any]) -> dict[str, Any]:
    """Run the command on a temporary database that holds the corpus."""
    field = ["--field", options["field"]] if options["field"] else []
    with apart() as empty:
        corpus = empty.holding(as_records(options["corpus"]))
        path = options["file"].resolve()
        output = corpus.manage(["evaluate", "retrieval", path, "--json", *field])
    return {"figures": json.loads(output), "wrong": ""}


def as_records(corpus: Rows) -> Iterator[dict[str, Any]]:
    """Yield the corpus as shared records; a text without a title is called "Text"."""
    for row in corpus:
        yield {
            "id": row["id"],
            "customer": None,
            "kind": row.get("kind") or row.get("type") or "text",
            "title": row.get("title") or "Text",
            "text": row["text"],
            "updated_at": "2000-01-01T00:00:00Z",
        }


# --- output


def as_text(result: dict[str, Any]) -> str:
    lines = [markdown(["search", "kind", "queries", *MEASURES], list(searched(result)))]
    if curve := result["figures"]["abstention"]:
        rows = [
            [f"{row['answered']:.0%}", *(f"{row[name]:.3f}" for name in ABSTENTION)]
            for row in curve
        ]
        lines += [
            "",
            "Answering only above a floor:",
            "",
            markdown(["answered", *ABSTENTION], rows),
        ]
    return "\n".join(lines)


def searched(result: dict[str, Any]) -> Iterator[list[str]]:
    for name in searches():
        rows = result["figures"][name]
        for row in rows if len(rows) > 2 else rows[-1:]:
            figures = [f"{row[name]:.4f}" for name in MEASURES]
            yield [name, row["kind"], f"{row['queries']:,}", *figures]


def draw(result: dict[str, Any], folder: Path) -> list[str]:
    from inference.evaluation import plots

    whole = {name: result["figures"][name][-1] for name in searches()}
    tables = {name: {measure: row[measure] for measure in MEASURES} for name, row in whole.items()}
    plots.searches(tables, folder / "searches.png")
    if not result["figures"]["abstention"]:
        return ["searches.png"]
    plots.abstention(result["figures"]["abstention"], folder / "abstention.png")
    return ["searches.png", "abstention.png"]
