"""Fills every slot of llama.cpp's server with the beginning of all prompts before customers come.

A request finds only what its own slot has read. Without this, the first request to each slot reads
the whole beginning, and while it does so, another one waits.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from inference.programs import LOOPBACK

STATE = "beginning"
# Seconds. A busy machine may read only a few tokens a second.
PATIENCE = 600


def fill(port: int, slots: int, beginning: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Have one slot read these chat messages, and copy its state to the others.

    folder: the one that the server was started with for this. It exists only during this call: at
    other times, no request can make the server write a file. Raises OSError or HTTPException if the
    server cannot do this.
    """
    _post(port, "/v1/chat/completions", {"messages": beginning, "max_tokens": 1, "id_slot": 0})
    folder.mkdir(mode=0o700)
    try:
        _post(port, "/slots/0?action=save", {"filename": STATE})
        for slot in range(1, slots):
            _post(port, f"/slots/{slot}?action=restore", {"filename": STATE})
    finally:
        shutil.rmtree(folder)


def _post(port: int, path: str, body: Mapping[str, Any]) -> None:
    connection = HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise OSError(f"{path} answered with status {answer.status}: {answer.read()[:300]!r}")
    finally:
        connection.close()
