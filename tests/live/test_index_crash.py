"""A writer that is killed at any moment leaves an index that is whole."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inference.index import SHARED, Changes, IndexReader, Query

pytestmark = pytest.mark.live

KILLS = 30
ROWS = 400
# Writes snapshots without end; every row of the n-th says n.
WRITER = f"""
import sys
from itertools import count
from pathlib import Path
import numpy as np
from inference.index import Row, SHARED, writer
writer.MANY_SHARED = 200
random = np.random.default_rng(0)
for n in count(int(sys.argv[2])):
    vectors = random.normal(size=({ROWS}, 8)).astype(np.float32)
    rows = [Row(row, SHARED if row < 300 else "alice", f"snapshot{{n}}", vectors[row])
            for row in range({ROWS})]
    writer.write(Path(sys.argv[1]), "enc", 8, n, rows)
    print(n, flush=True)
"""


def test_killed_thirty_times_while_writing_the_index_is_whole_every_time(tmp_path: Path) -> None:
    chance = random.Random(4)
    written = 0
    for _ in range(KILLS):
        written = max(written, killed(tmp_path, written + 1, after=chance.uniform(0, 0.25)))
        snapshot = IndexReader(tmp_path, "enc", Changes).view().snapshot
        # What was reported as written is there; at most the next one may have come about too.
        assert written <= snapshot.manifest.changes <= written + 1
        written = snapshot.manifest.changes
        query = Query(f"snapshot{written}", np.ones(8, np.float32))
        for scope, rows in ((SHARED, 300), ("alice", 100)):
            found = snapshot.search(query, scope, ROWS)
            assert len(found) == rows
            assert all(match.words > 0 for match in found)
    assert len(list(tmp_path.glob("snapshot-*"))) <= 3


def killed(root: Path, first: int, after: float) -> int:
    """The last snapshot that the writer reported before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, root, str(first)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    lines = [process.stdout.readline()]
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines()
    process.wait()
    return max(int(line) for line in lines if line.strip())
