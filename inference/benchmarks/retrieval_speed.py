"""Compares the index with alternatives, at growing numbers of passages.

`python -m inference.benchmarks.retrieval_speed` (or `make bench-retrieval`) measures in one run, on
the same synthetic passages and questions: this index; an exact flat search (FAISS) over all shared
passages, by meaning only; and Milvus Lite behind the same `search`, with words and by meaning only,
up to a size at which it still answers in reasonable time.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import faiss
import numpy as np
from tqdm import tqdm

from inference.benchmarks.synthetic_crm import Corpus, Kinds
from inference.encoder import Encoder
from inference.index import SHARED, Change, Changes, Manifest, Query, Row, Snapshot, View, write
from inference.index.delta import Delta
from inference.index.match import Searchable
from inference.index.snapshot import current, opened
from inference.models import catalogue

ROWS, MILVUS_ROWS = (10_000, 100_000, 1_000_000), 100_000
OWN, COMMON, RECALLED, CHANGED = 500, 300, 100, 1_000
# Few, because Milvus Lite takes seconds for one.
ASKED_MILVUS = 60
LIMIT, WARM_UP, BATCH, PROCESSES = 10, 20, 8_192, 2
ATTUNE, FLAT, MILVUS, MILVUS_MEANING = "Attune", "exact flat*", "Milvus Lite", "Milvus Lite*"
RIVALS = (ATTUNE, FLAT, MILVUS, MILVUS_MEANING)
Figures = dict[str, float]


@dataclass
class Result:
    rows: int
    shared: int
    customers: int
    # Per rival; figures that were not measured are absent.
    figures: dict[str, Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class Questions:
    own: list[tuple[str, Query]]
    shared: list[Query]

    @classmethod
    def about(cls, corpus: Corpus) -> "Questions":
        random = Random(3)
        own = [random.randrange(corpus.shared, corpus.count) for _ in range(OWN)]
        shared = [random.randrange(corpus.shared) for _ in range(COMMON)]
        return cls(
            [(corpus.scope(number), corpus.asked(number)) for number in own],
            [corpus.asked(number) for number in shared],
        )

    def some(self, count: int) -> "Questions":
        return Questions(self.own[:count], self.shared[:count])

    def without_words(self) -> "Questions":
        return Questions(
            [(scope, Query("", query.vector)) for scope, query in self.own],
            [Query("", query.vector) for query in self.shared],
        )


def main() -> None:
    options = arguments()
    if options.opened:
        print(json.dumps(memory_of_one(options.opened)))
        return
    kinds, source = real_or_drawn()
    with TemporaryDirectory(dir=options.folder) as folder:
        results = [
            measured(Corpus(rows, kinds), Path(folder) / str(rows), rows <= options.milvus_rows)
            for rows in options.rows
        ]
    if options.json:
        print(json.dumps([vars(result) for result in results], indent=1))
    else:
        print(f"Vectors: {source}. {os.cpu_count()} cores.")
        print("Questions: the whole text of a passage, a vector near its own, one at a time.")
        print("\n".join([*map(table, results), growth(results)]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures speed and size of the index as it grows."
    )
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument(
        "--milvus-rows", type=int, default=MILVUS_ROWS, help="the most passages in Milvus"
    )
    parser.add_argument("--json", action="store_true")
    # The benchmark starts itself with this option to measure memory.
    parser.add_argument("--opened", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def real_or_drawn() -> tuple[Kinds, str]:
    """Return the vectors of real texts if the encoder is here, else random ones; and their name."""
    try:
        encoder = Encoder(catalogue.located("encoder"), threads=os.cpu_count() or 2)
    except catalogue.ModelMissing:
        return Kinds.drawn(384), "drawn at random around centres (the encoder is not here)"
    tqdm.write("Encoding real texts", file=sys.stderr)
    return Kinds.encoded(encoder), f"those of real texts ({encoder.name}) with Gaussian noise"


def measured(corpus: Corpus, folder: Path, milvus: bool) -> Result:
    result = Result(corpus.count, corpus.shared, len(corpus.starts))
    questions = Questions.about(corpus)
    built = build(corpus, folder)
    began = time.perf_counter()
    snapshot = opened(folder / str(current(folder)))
    opening = time.perf_counter() - began
    view = View(snapshot, Delta(0))
    flat = exact(snapshot, corpus.shared)
    result.figures[ATTUNE] = {
        **built,
        "open_s": opening,
        **searched(view, questions),
        "recall": recall(view, flat, questions.shared[:RECALLED]),
        "change_ms": change(snapshot, corpus, questions),
        **memory(snapshot.folder),
    }
    result.figures[FLAT] = timed("shared", lambda query: flat_search(flat, query), questions.shared)
    if milvus:
        result.figures |= in_milvus(corpus, folder / "milvus.db", questions.some(ASKED_MILVUS))
    return result


# --- this index


def build(corpus: Corpus, folder: Path) -> Figures:
    """Measure building the index, without the time to generate the passages."""
    rows = Stopwatch(progress(corpus, "building"))
    began = time.perf_counter()
    manifest: Manifest = write(folder, "benchmark", corpus.kinds.shared.shape[1], 0, rows)
    seconds = time.perf_counter() - began - rows.seconds
    written = sum(path.stat().st_size for path in folder.glob("snapshot-*/*"))
    return {"build_s": seconds, "rows_s": manifest.rows / seconds, "disk_mb": written / 1e6}


class Stopwatch:
    """Passes rows on and measures how long they take to come."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = iter(rows)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Row]:
        while True:
            began = time.perf_counter()
            row = next(self._rows, None)
            self.seconds += time.perf_counter() - began
            if row is None:
                return
            yield row


def progress(corpus: Corpus, doing: str) -> Iterator[Row]:
    label = f"{corpus.count:,}: {doing}"
    yield from tqdm(corpus.rows(), label, corpus.count, leave=False, disable=None)


def searched(index: Searchable, questions: Questions) -> Figures:
    return {
        **timed("own", lambda asked: index.search(asked[1], [asked[0]], LIMIT), questions.own),
        **timed("shared", lambda query: index.search(query, [SHARED], LIMIT), questions.shared),
    }


def timed(name: str, search: Callable[[Any], Any], questions: list[Any]) -> Figures:
    """Measure milliseconds per search, one question at a time: by the clock, and in CPU of this
    process, which other work on the machine disturbs less."""
    for question in questions[: min(WARM_UP, len(questions) // 10)]:
        search(question)
    taken = []
    for question in tqdm(questions, f"{name} searches", leave=False, disable=None):
        began = time.perf_counter(), time.process_time()
        search(question)
        ended = time.perf_counter(), time.process_time()
        taken.append(1_000 * (np.array(ended) - began))
    (middle, middle_cpu), (last, last_cpu) = np.percentile(taken, [50, 99], axis=0)
    return {
        f"{name}_p50": float(middle),
        f"{name}_p99": float(last),
        f"{name}_cpu_p50": float(middle_cpu),
        f"{name}_cpu_p99": float(last_cpu),
    }


def recall(index: Searchable, flat: faiss.IndexFlatIP, questions: list[Query]) -> float:
    """Return the share of the passages nearest by meaning that the index finds."""
    hits = 0
    for query in questions:
        only_meaning = Query("", query.vector)
        matches = index.search(only_meaning, [SHARED], LIMIT)
        hits += len({match.id for match in matches} & set(flat_search(flat, query)))
    return hits / (LIMIT * len(questions))


def change(snapshot: Snapshot, corpus: Corpus, questions: Questions) -> float:
    """Measure milliseconds until a changed passage is found, without the encoder."""
    rows = [corpus.row(corpus.shared + number) for number in range(CHANGED)]
    changes = [Change(corpus.count + row.id, row.scope, row.text, row.vector) for row in rows]
    scope, query = questions.own[0]
    began = time.perf_counter()
    view = View(snapshot, Delta(0))
    view.delta.take(Changes(1, changes))
    view.search(query, [scope], LIMIT)
    return 1_000 * (time.perf_counter() - began) / CHANGED


# --- memory of processes that have the same snapshot open


def memory(snapshot: Path) -> Figures:
    command = [sys.executable, "-m", __spec__.name, "--opened", str(snapshot)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for process in started:
        assert process.stdout
        process.stdout.readline()
    figures = [json.loads(process.communicate("\n")[0]) for process in started]
    return {name: float(np.mean([row[name] for row in figures])) for name in figures[0]}


def memory_of_one(folder: Path) -> Figures:
    """Measure this process after some searches, while others have the snapshot open too."""
    snapshot, stored = opened(folder), vectors_of(folder)
    random = np.random.default_rng(os.getpid())
    for row in random.integers(snapshot.manifest.rows, size=OWN):
        query = Query("green trail tent", stored.reconstruct(int(row)))
        View(snapshot, Delta(0)).search(query, [SHARED], LIMIT)
    print("ready", flush=True)
    sys.stdin.readline()
    lines = [line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]]
    kilobytes = {name.rstrip(":"): int(size) for name, size, *_ in lines}
    return {
        "private_mb": (kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]) / 1e3,
        "shared_mb": (kilobytes["Shared_Clean"] + kilobytes["Shared_Dirty"]) / 1e3,
    }


# --- the rivals


def exact(snapshot: Snapshot, shared: int) -> faiss.IndexFlatIP:
    """Build an exact index of all shared rows, with their numbers."""
    stored = vectors_of(snapshot.folder)
    flat = faiss.IndexFlatIP(stored.d)
    for first in range(0, shared, BATCH):
        rows = np.arange(first, min(first + BATCH, shared))
        flat.add(stored.reconstruct_batch(rows))
    return flat


def vectors_of(snapshot: Path) -> faiss.Index:
    return faiss.read_index(str(snapshot / "vectors.faiss"), faiss.IO_FLAG_MMAP_IFC)


def flat_search(flat: faiss.IndexFlatIP, query: Query) -> list[int]:
    _, rows = flat.search(query.vector.reshape(1, -1), LIMIT)
    return [int(row) for row in rows[0]]


def in_milvus(corpus: Corpus, path: Path, questions: Questions) -> dict[str, Figures]:
    from pymilvus import MilvusClient

    from inference.index.milvus import MilvusIndex

    index = MilvusIndex(str(path), "benchmark", corpus.kinds.shared.shape[1])
    rows = Stopwatch(progress(corpus, "filling Milvus Lite"))
    began = time.perf_counter()
    index.apply(Change(*row) for row in rows)
    # Before the flush its searches are ten times slower.
    MilvusClient(str(path)).flush(index.passages)
    seconds = time.perf_counter() - began - rows.seconds
    filled = {"build_s": seconds, "rows_s": corpus.count / seconds}
    return {
        MILVUS: {**filled, **searched(index, questions)},
        MILVUS_MEANING: searched(index, questions.without_words()),
    }


# --- output

LINES = (
    ("rows_s", "passages a second, build", 0),
    ("build_s", "seconds, build", 1),
    ("own_p50", "customer search, p50 ms", 2),
    ("own_p99", "customer search, p99 ms", 2),
    ("own_cpu_p50", "– of CPU, p50 ms", 2),
    ("own_cpu_p99", "– of CPU, p99 ms", 2),
    ("shared_p50", "shared search, p50 ms", 2),
    ("shared_p99", "shared search, p99 ms", 2),
    ("shared_cpu_p50", "– of CPU, p50 ms", 2),
    ("shared_cpu_p99", "– of CPU, p99 ms", 2),
)
OWN_LINES = (
    ("recall", "recall@10 of the exact search, by meaning", 3),
    ("open_s", "seconds to open, checksums included", 2),
    ("disk_mb", "MB on disk", 0),
    ("change_ms", "ms until a changed record is found, without the encoder", 3),
    ("private_mb", "MB of memory per process, unshared (USS)", 0),
    ("shared_mb", "MB of memory that the processes share", 0),
)
GROWN = ("build_s", "open_s", "disk_mb", "own_p50", "shared_p50", "change_ms", "private_mb")


def table(result: Result) -> str:
    heading = (
        f"\n{result.rows:,} passages: {result.shared:,} shared, the rest of "
        f"{result.customers:,} customers\n\n{'':30}" + "".join(f"{name:>20}" for name in RIVALS)
    )
    lines = [compared(result, *line) for line in LINES]
    own = result.figures[ATTUNE]
    alone = [f"{label}: {own[name]:,.{digits}f}" for name, label, digits in OWN_LINES]
    return "\n".join([heading, *lines, "* by meaning only", "", *alone])


def compared(result: Result, name: str, label: str, digits: int) -> str:
    """Write one line of the table, each rival with its ratio to our index."""
    own = result.figures[ATTUNE][name]
    cells = []
    for rival in RIVALS:
        value = result.figures.get(rival, {}).get(name)
        shown = "" if value is None else f"{value:,.{digits}f}"
        ratio = "" if value is None or rival == ATTUNE else f" ({times(value / own)})"
        cells.append(f"{shown + ratio:>20}")
    return f"{label:30}" + "".join(cells)


def times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def growth(results: list[Result]) -> str:
    sizes = " : ".join(f"{result.rows:,}" for result in results)
    lines = [f"\nGrowth, {sizes} passages"]
    labels = {name: label for name, label, _ in (*LINES, *OWN_LINES)}
    for name in GROWN:
        costs = [
            result.figures[ATTUNE][name] / results[0].figures[ATTUNE][name] for result in results
        ]
        lines.append(f"{labels[name]:58} {' : '.join(f'{cost:.1f}' for cost in costs)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
