"""Ports, child processes and waiting: what `manage.py serve` needs of the operating system."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from inference.programs import end_with_parent

PORTS_TRIED = 100
# Seconds between SIGTERM and SIGKILL; uvicorn gives its open requests 5.
GRACE = 8
# Seconds. A child that dies sooner would die again.
SHORT_LIFE = 5
# Lines of a log that an error quotes.
TAIL = 12


class ServingError(Exception):
    """An obstacle; its message is one sentence that says what to do."""


# --- ports


def hold(name: str, host: str, port: int) -> socket.socket:
    """Open a listening socket that keeps others off the port until a child takes it.

    name: the variable that sets the port, for the error message.
    """
    if not 0 < port < 65536:
        raise ServingError(f"{name}={port} is not a port: choose one from 1 to 65535.")
    try:
        return _listening(host, port)
    except OSError as error:
        raise ServingError(_refusal(name, host, port, error)) from None


def next_free_port(host: str, start: int) -> int:
    """Return the first port from `start` on that nobody holds: one that people can remember."""
    for port in range(start, min(start + PORTS_TRIED, 65536)):
        with suppress(OSError):
            _listening(host, port).close()
            return port
    raise ServingError(f"No port from {start} to {start + PORTS_TRIED - 1} is free on {host}.")


def _listening(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    held = socket.socket(family, kind)
    try:
        # A port whose last owner has just ended is free; one that somebody listens on is not.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
        held.listen(1)
    except OSError:
        held.close()
        raise
    return held


def _refusal(name: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        free = next_free_port(host, port + 1)
        return f"Port {port} is in use: set {name} to a free one, e.g. {name}={free} make run."
    if error.errno == errno.EACCES:
        return f"Only root may use port {port}: set {name} to one above 1023, e.g. {name}=8000."
    return f"HOST={host} is not an address of this machine: set HOST to 127.0.0.1 or 0.0.0.0."


# --- children


@dataclass
class Child:
    """A Python program that ends when this one does.

    Start it from the main thread: a child ends with the thread that started it.
    """

    name: str
    arguments: Sequence[str]
    env: Mapping[str, str]
    log: Path
    # File descriptors of this process that the child may use.
    inherits: Sequence[int] = ()
    process: subprocess.Popen[bytes] = field(init=False)
    since: float = field(init=False)

    def start(self) -> "Child":
        parent = os.getpid()
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.env},
                pass_fds=self.inherits,
                # Ctrl-C at the terminal reaches this process only, which ends them in order.
                start_new_session=True,
                preexec_fn=lambda: _end_with(parent),
            )
        self.since = time.monotonic()
        return self

    def last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return "\n".join(f"    {line}" for line in lines) or "    (nothing)"

    def ended(self) -> str:
        """Return how the child ended, "" while it runs."""
        status = self.process.poll()
        return "" if status is None else f"The {self.name} ended by itself (exit status {status})"


def start(
    name: str,
    arguments: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    inherits: Sequence[int] = (),
) -> Child:
    """Run Python with `arguments`. The log of the previous run is kept as .1."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    return Child(name, arguments, env, log, inherits).start()


def _end_with(parent: int) -> None:
    """Bind the child to its parent, before its program runs."""
    end_with_parent()
    if os.getppid() != parent:
        os._exit(1)


def end(children: Sequence[Child]) -> None:
    """Ask each child to end, wait GRACE seconds for all of them, then kill what is left."""
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    try:
        for child in children:
            child.process.wait(max(0.0, deadline - time.monotonic()))
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        pass  # Too slow, or a second Ctrl-C.
    finally:
        for child in children:
            _signal(child, signal.SIGKILL)
            child.process.wait()


def _signal(child: Child, number: signal.Signals) -> None:
    """Signal the child's whole process group, which has the child's id."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, number)


def check_alive(children: Sequence[Child]) -> None:
    for child in children:
        if ended := child.ended():
            raise ServingError(f"{ended}. The last lines of {child.log}:\n{child.last_lines()}")


def revive(children: Sequence[Child], say: Callable[[str], None]) -> None:
    """Restart the children that have died; ServingError if one died within SHORT_LIFE."""
    check_alive([child for child in children if time.monotonic() - child.since < SHORT_LIFE])
    for child in children:
        if ended := child.ended():
            say(f"{ended} and is restarted; its log is {child.log}.")
            child.start()


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Have SIGTERM, SIGHUP and SIGINT raise KeyboardInterrupt, as Ctrl-C does."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup asks to be left running
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


# --- waiting


def problem(host: str, port: int, path: str, name: str = "localhost") -> str | None:
    """Return None if the server answers 200 at this path, else why not. name: the Host header."""
    # A server that listens on all addresses is reached at the loopback address.
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    connection = HTTPConnection(reachable, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": name})
        answer = connection.getresponse()
        return None if answer.status == 200 else _detail(answer.read(), answer.status)
    except (OSError, HTTPException) as error:
        return f"it does not answer ({error})"
    finally:
        connection.close()


def _detail(body: bytes, status: int) -> str:
    """Return the detail of a problem document, else the status."""
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(body)["detail"])
    return f"it answers {status}"


def wait(
    ask: Callable[[], str | None],
    children: Sequence[Child],
    seconds: float,
    tick: Callable[[], None],
) -> str | None:
    """Ask until the answer is None and return None, or return the last answer when time is up.

    `tick` is called once a second. Raises ServingError if a child dies meanwhile.
    """
    started = ticked = time.monotonic()
    while (reason := ask()) is not None:
        check_alive(children)
        now = time.monotonic()
        if now - started > seconds:
            return reason
        if now - ticked >= 1:
            ticked = now
            tick()
        time.sleep(0.2)
    return None
