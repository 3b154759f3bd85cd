"""llama.cpp's own server on this machine's loopback, as a process of its own.

`python -m inference.generation.local_server --model FILE --port N` answers the OpenAI-compatible
`/v1/chat/completions`, `/v1/models`, `/health` and `/metrics`. It ends with its parent,
on SIGTERM and on SIGINT. Exit status 1 and one line on stderr say why it could not start.
"""

import argparse
import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
# The prompt beginnings of earlier conversations, kept in memory (MiB).
PROMPT_CACHE = 1024
PR_SET_PDEATHSIG = 1
ERRORS_ONLY = 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    parent = os.getppid()
    _end_with_parent()
    # While the model loads, a signal ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if reason := _obstacle(options.model, options.port):
        return _fail(reason)
    try:
        server = _start(options)
    except RuntimeError as error:
        return _fail(f"The model server could not start with {options.model}: {error}")
    print(f"{options.model.name} at {server.listening_address}", flush=True)
    _wait(parent)
    # The server's threads may be deep in a long prompt and would be waited for; they hold
    # nothing that must be saved.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m inference.generation.local_server")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--name", default="slm", help="the model's on the wire")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parallel", type=int, default=2, help="requests at a time")
    parser.add_argument("--context", type=int, default=4096, help="tokens for each of them")
    return parser


def _end_with_parent() -> None:
    """The kernel sends SIGTERM when the parent dies, however it dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _wait(parent: int) -> None:
    """Until a signal comes. The parent is looked at as well: it may have died before prctl,
    and other systems do not have prctl."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0) and os.getppid() == parent:
        pass


def _obstacle(model: Path, port: int) -> str:
    """Why the server would not start, in words; llama.cpp gives the same answer to all."""
    if not model.is_file():
        return f"There is no model file {model}; type: python manage.py models fetch"
    with socket.socket() as probe:
        # As the server itself does: a port whose last owner just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return f"Port {port} on {HOST} cannot be used ({error.strerror}); choose another."
    return ""


def _start(options: argparse.Namespace) -> Any:
    """The running server; the model is loaded and answers when this returns."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.verbosity = ERRORS_ONLY
    params.model.path = str(options.model)
    params.model_alias = {options.name}
    params.hostnames = [HOST]
    params.port = options.port
    params.cpuparams.n_threads = options.threads
    params.n_parallel = options.parallel
    params.n_ctx = options.context * options.parallel
    params.cache_ram_mib = PROMPT_CACHE
    params.endpoint_metrics = True
    params.endpoint_slots = False
    # Nothing but this machine's own programs talks to it: no page in a browser, no web console.
    params.cors_origins = f"http://{HOST}"
    params.cors_credentials = False
    params.ui = False
    params.offline = True
    return xllamacpp.Server(params)


def _fail(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
