"""Measures speed and memory of a classifier, in a process that does nothing else.

`python -m inference.sentiment.speed FOLDER < texts.json` prints one JSON object: `ms` (median of
one message at a time), `per_second` (all in one call), `resident_mb`, `joules_per_1000` (null
without a counter). `texts.json` is a list of messages.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from inference.energy.counters import joules, used
from inference.sentiment.classifier import Classifier

WARM_UP = 20


def measured(folder: Path, texts: list[str]) -> dict[str, Any]:
    """Measure in a separate process, so that what this one has loaded is not counted as memory."""
    command = [sys.executable, "-m", "inference.sentiment.speed", str(folder)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, check=True, cwd=root
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def measure(folder: Path, texts: list[str]) -> dict[str, Any]:
    classifier = Classifier.load(folder)
    classifier.score(texts[:WARM_UP])
    for text in texts[:WARM_UP]:
        classifier.score([text])
    before = joules()
    times = [_seconds(classifier, [text]) for text in texts]
    after = joules()
    resident = _resident_mb()
    spent = _seconds(classifier, texts)
    spent_joules = used(before, after)
    return {
        "ms": round(statistics.median(times) * 1000, 3),
        "per_second": round(len(texts) / spent),
        "resident_mb": round(resident, 1),
        "joules_per_1000": spent_joules and spent_joules / len(texts) * 1000,
    }


def _seconds(classifier: Classifier, texts: list[str]) -> float:
    began = time.perf_counter()
    classifier.score(texts)
    return time.perf_counter() - began


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), json.load(sys.stdin))))
