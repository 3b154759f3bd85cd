"""Ports, children and waiting, with children that need no model."""

import fcntl
import json
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.db import OperationalError

from chatbot.management.commands import serve
from chatbot.operations import processes
from chatbot.operations.processes import Child, ServingError
from chatbot.reply import prompt
from crm.plumbing.troubles import described

HOST = "127.0.0.1"
FOREVER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"
Run = Callable[[str], Child]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start a child that runs these Python statements and has printed its first word."""
    children: list[Child] = []

    def start(statements: str) -> Child:
        log = tmp_path / "logs" / "child.log"
        children.append(processes.start("child", ["-c", statements], {"NAME": "alice"}, log))
        while children[-1].process.poll() is None and not log.read_text():
            pass
        return children[-1]

    yield start
    processes.end(children)


# --- ports


def test_a_port_in_use_is_refused_with_a_free_one(taken: int) -> None:
    with pytest.raises(ServingError, match=rf"Port {taken} is in use: set PORT to .* PORT=\d+ "):
        processes.hold("PORT", HOST, taken)


def test_a_port_that_is_held_is_in_use_for_others() -> None:
    port = processes.next_free_port(HOST, 20000)
    with processes.hold("PORT", HOST, port), pytest.raises(ServingError, match="in use"):
        processes.hold("PORT", "0.0.0.0", port)
    processes.hold("PORT", HOST, port).close()


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ServingError, match="from 1 to 65535"):
        processes.hold("PORT", HOST, port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ServingError, match=r"HOST=192\.0\.2\.1 is not an address of this machine"):
        processes.hold("PORT", "192.0.2.1", 20000)


def test_the_next_free_port_is_found(taken: int) -> None:
    assert processes.next_free_port(HOST, taken) > taken


# --- children


def test_the_model_server_is_told_what_all_prompts_begin_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []
    monkeypatch.setattr(processes, "start", lambda name, arguments, *_: started.extend(arguments))
    command = serve.Command()
    command.children = []
    command.start_model_server(Path("chat.gguf"), 8080)
    *beginning, question = json.loads(started[started.index("--beginning") + 1])
    assert (beginning, question["content"]) == (prompt.BEGINNING, "RECORDS")


def test_a_child_writes_to_its_log_and_sees_its_settings(run: Run) -> None:
    child = run("import os; print(os.environ['NAME'])")
    child.process.wait()
    assert child.log.read_text() == "alice\n"


def test_the_log_of_the_time_before_is_kept(run: Run) -> None:
    run("print('monday')").process.wait()
    child = run("print('tuesday')")
    assert child.log.with_name("child.log.1").read_text() == "monday\n"


def test_a_child_that_died_is_named_with_its_last_words(run: Run) -> None:
    child = run("import sys; sys.exit('the disk is on fire')")
    child.process.wait()
    with pytest.raises(ServingError, match=r"(?s)The child ended by itself .*the disk is on fire"):
        processes.check_alive([child])


def test_who_ends_ends_all(run: Run) -> None:
    children = [run(FOREVER), run(FOREVER)]
    processes.check_alive(children)
    processes.end(children)
    assert [child.process.returncode for child in children] == [-signal.SIGTERM] * 2


def test_who_does_not_want_to_end_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE", 0.1)
    child = run(STUBBORN)
    processes.end([child])
    assert child.process.returncode == -signal.SIGKILL


def test_what_a_child_started_ends_with_it(run: Run, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    grandchild = f"import fcntl; held = open({str(lock)!r}, 'w'); fcntl.flock(held, 2); {FOREVER}"
    child = run(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])")
    processes.end([child])
    with lock.open() as free:
        fcntl.flock(free, fcntl.LOCK_EX)  # waits for as long as the grandchild lives


# --- waiting


@pytest.fixture
def server() -> Iterator[Callable[[int, object], int]]:
    """A server that gives the same answer to all; returns its port."""
    servers: list[HTTPServer] = []

    def answer(status: int, body: object) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer((HOST, 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=[0.01], daemon=True).start()
        return servers[-1].server_port

    yield answer
    for running in servers:
        running.shutdown()
        running.server_close()


def test_a_server_that_answers_has_no_problem(server: Callable[[int, object], int]) -> None:
    assert processes.problem("0.0.0.0", server(200, {}), "/readyz") is None


def test_a_problem_document_is_quoted(server: Callable[[int, object], int]) -> None:
    port = server(503, {"detail": "Not ready: the index is absent."})
    assert processes.problem(HOST, port, "/readyz") == "Not ready: the index is absent."


def test_another_answer_is_told_by_its_number(server: Callable[[int, object], int]) -> None:
    assert processes.problem(HOST, server(404, []), "/readyz") == "it answers 404"


def test_nobody_there_is_a_problem_too() -> None:
    port = processes.next_free_port(HOST, 20000)
    assert "it does not answer" in (processes.problem(HOST, port, "/readyz") or "")


def test_waiting_ends_with_the_reason_when_time_is_up() -> None:
    assert processes.wait(lambda: "not yet", [], seconds=0, tick=lambda: None) == "not yet"


def test_waiting_ends_when_a_child_dies(run: Run) -> None:
    child = run("print('bye')")
    child.process.wait()
    with pytest.raises(ServingError, match="bye"):
        processes.wait(lambda: "not yet", [child], seconds=60, tick=lambda: None)


def test_sigterm_is_heard_like_ctrl_c_and_only_meanwhile() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with suppress(KeyboardInterrupt), processes.interrupted_by_signals():
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("SIGTERM was not heard")
    assert signal.getsignal(signal.SIGTERM) == before


# --- words for what goes wrong


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "No space left in .* set DATA_DIR"),
        (OperationalError("database or disk is full"), "No space left in .* set DATA_DIR"),
        (OperationalError("connection refused\nhint"), r"\(connection refused\): check DATABASE"),
        (PermissionError(13, "Permission denied", "/data/x"), "may not use /data/x"),
    ],
)
def test_what_goes_wrong_is_one_sentence_that_helps(error: Exception, words: str) -> None:
    assert re.search(words, described(error))
    assert "\n" not in described(error)
