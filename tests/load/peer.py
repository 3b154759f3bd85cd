"""Runs a program that Attune is measured beside, in a process of its own."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.conftest import ROOT, await_that
from tests.load.faults import listening

# Seconds after which something is wrong with it.
ANSWERS_WITHIN = 120


@contextmanager
def running(
    command: Sequence[str], port: int, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run the program; yield its process id once it listens."""
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=sink, stderr=sink)
    try:
        await_that(lambda: listening(port) or process.poll() is not None)
        yield process.pid
    finally:
        process.kill()
        process.wait()
