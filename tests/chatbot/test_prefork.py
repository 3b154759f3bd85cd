"""Web processes are forked from one that has loaded everything, and forked again if they end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatbot.management.commands.serve import ONE_THREAD

ROOT = Path(__file__).resolve().parents[2]
KEEP = "import os, sys, time; from chatbot import prefork"
# One write, so that the lines of two processes do not mix.
SERVE = "lambda: (os.write(1, b'%d\\n' % os.getpid()), time.sleep(600))"
Start = Callable[[str], "subprocess.Popen[str]"]
pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    def run(statements: str) -> "subprocess.Popen[str]":
        own = {"DATA_DIR": str(tmp_path), "ATTUNE_MODELS": str(tmp_path)}
        env = {**own, "DJANGO_SETTINGS_MODULE": "chatbot.settings"}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", statements],
                cwd=ROOT,
                env={**os.environ, **ONE_THREAD, **env},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_process_that_is_killed_is_forked_again_and_all_end_together(start: Start) -> None:
    parent = start(f"{KEEP}; prefork.SHORT_LIFE = 0; sys.exit(prefork.keep(2, {SERVE}))")
    first, second = int(said(parent)), int(said(parent))
    os.kill(first, signal.SIGKILL)
    third = int(said(parent))
    assert has_ended(first)
    parent.terminate()
    assert parent.wait(30) == 0
    assert has_ended(second)
    assert has_ended(third)


def test_a_process_that_ends_at_once_ends_all_for_serve_to_say_why(start: Start) -> None:
    parent = start(f"{KEEP}; sys.exit(prefork.keep(1, lambda: print('broken', flush=True)))")
    assert said(parent) == "broken"
    assert parent.wait(30) == 1


def test_without_their_parent_they_end(start: Start) -> None:
    parent = start(f"{KEEP}; prefork.keep(1, {SERVE})")
    child = int(said(parent))
    parent.kill()
    while not has_ended(child):
        pass


def test_the_models_start_no_thread_and_each_process_has_a_name_of_its_own(start: Start) -> None:
    """A thread would be missing in the children, and with one name two would share their claims."""
    fake = "from unittest import mock; from crm.knowledge import indexing"
    names = "lambda: (os.write(1, f'{runner.WORKER}\\n'.encode()), time.sleep(600))"
    parent = start(
        f"{KEEP}; import chatbot.asgi; {fake}; indexing.encoder = mock.Mock(); prefork.load();"
        "from chatbot.reply import runner; print(prefork.threads(), flush=True);"
        f"print(runner.WORKER, flush=True); prefork.keep(2, {names})"
    )
    assert said(parent) == "1"
    assert len({said(parent) for _ in range(3)}) == 3
