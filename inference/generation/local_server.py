"""Runs llama.cpp's own server on this machine's loopback, as a separate process.

`python -m inference.generation.local_server --model FILE --port N` answers the OpenAI-compatible
`/v1/chat/completions`, `/v1/models`, `/health` and `/metrics`. It ends with its parent,
on SIGTERM and on SIGINT. If it cannot start, one line on stderr says why and the exit status is 1.
"""

import argparse
import json
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from inference.generation import slots
from inference.programs import LOOPBACK as HOST
from inference.programs import end_with_parent

# MiB of memory for the beginnings of prompts that earlier conversations used.
PROMPT_CACHE = 1024
ERRORS_ONLY = 1
# How often a thread checks whether the others are ready before it sleeps. Threads wait for each
# other some 800 times a token. With OpenMP's default of 300,000, a waiting thread keeps a core that
# another program needs, while that program keeps the core of the other thread. With the 1.5B model
# on two AVX2 cores, a token took 5.1 s (1.08 s of CPU) with the default, 0.22 s with 1,000 and 0.14
# s with none beside 16 programs at work, and 0.27, 0.13 and 0.10 s beside 5 (docs/measured.md,
# 2026-11-29).
SPINS = "0"
# Tokens of prompts that are read in one step. The server notices that a request was ended, and
# writes the next token of another, only between two steps. Reading 170 tokens takes 6.7 s of CPU in
# one step, 6.8 s with 64 and 7.5 s with 32 (the same machine).
STEP = 64


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    parent = os.getppid()
    end_with_parent()
    # Until the model is loaded and has read the beginning, a signal ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if reason := _obstacle(options.model, options.port):
        return _fail(reason)
    folder = Path(gettempdir(), f"attune-model-{secrets.token_hex(16)}")
    try:
        server = _start(options, folder)
    except RuntimeError as error:
        return _fail(f"The model server could not start with {options.model}: {error}")
    print(f"{options.model.name} at {server.listening_address}", flush=True)
    if options.beginning:
        _read_beginning(options, folder)
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
    parser.add_argument(
        "--beginning", type=json.loads, help="chat messages in JSON that all prompts begin with"
    )
    return parser


def _read_beginning(options: argparse.Namespace, folder: Path) -> None:
    """Read the beginning before the first customer comes; otherwise the first requests are
    slower."""
    try:
        slots.fill(options.port, options.parallel, options.beginning, folder)
        print("The beginning of the prompts has been read.", flush=True)
    except (OSError, HTTPException) as error:
        _fail(f"The beginning of the prompts was not read: {error}")


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


def _start(options: argparse.Namespace, folder: Path) -> Any:
    """Start the server; when this returns, the model is loaded and answers.

    folder: where it may write the state of a slot, if it exists.
    """
    # The library reads this when it is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
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
    params.n_batch = STEP
    params.cache_ram_mib = PROMPT_CACHE
    params.endpoint_metrics = True
    params.endpoint_slots = False
    params.slot_save_path = f"{folder}/"
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
