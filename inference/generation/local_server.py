"""Runs llama.cpp's own server on this machine's loopback, as a separate process.

`python -m inference.generation.local_server --model FILE --port N` answers the OpenAI-compatible
`/v1/chat/completions`, `/v1/models`, `/health` and `/metrics`. It ends with its parent,
on SIGTERM and on SIGINT. If it cannot start, one line on stderr says why and the exit status is 1.
"""

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.programs import LOOPBACK as HOST
from inference.programs import end_with_parent

# MiB of memory for the beginnings of prompts that earlier conversations used.
PROMPT_CACHE = 1024
ERRORS_ONLY = 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    parent = os.getppid()
    end_with_parent()
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
    # A normal exit would wait for the server's threads, which may be deep in a long prompt; they
    # hold nothing that must be saved.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m inference.generation.local_server")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--name", default="slm", help="the model's name in requests")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parallel", type=int, default=2, help="requests at the same time")
    parser.add_argument("--context", type=int, default=4096, help="tokens for each of them")
    return parser


def _wait(parent: int) -> None:
    """Wait for a signal, or for the parent to die: it may have died before `end_with_parent`, which
    does nothing on systems other than Linux."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(1.0) and os.getppid() == parent:
        pass


def _obstacle(model: Path, port: int) -> str:
    """Return why the server would not start, "" if nothing is in its way.

    llama.cpp itself gives the same error for every cause.
    """
    if not model.is_file():
        return f"There is no model file {model}; type: python manage.py models fetch"
    with socket.socket() as probe:
        # The server does the same: a port whose last owner has just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return f"Port {port} on {HOST} cannot be used ({error.strerror}); choose another."
    return ""


def _start(options: argparse.Namespace) -> Any:
    """Start the server; when this returns, the model is loaded and answers."""
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
    # Only programs on this machine talk to it: no page in a browser, no web console.
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
