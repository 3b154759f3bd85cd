"""Filling the slots of a model server, which a stub plays here and llama.cpp in `tests/live`."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from inference.generation import slots

BEGINNING = [{"role": "system", "content": "Answer from the records."}]


class Stub(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refused = ""


class Handler(BaseHTTPRequestHandler):
    server: Stub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        self.send_response(500 if self.path == self.server.refused else 200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Stub]:
    with Stub() as stub:
        Thread(target=stub.serve_forever, args=[0.01], daemon=True).start()
        yield stub
        stub.shutdown()


def test_one_slot_reads_the_beginning_and_the_others_get_a_copy(
    server: Stub, tmp_path: Path
) -> None:
    slots.fill(server.server_port, 3, BEGINNING, tmp_path / "slots")
    [(_, read), *copies] = server.asked
    assert (read["messages"], read["max_tokens"], read["id_slot"]) == (BEGINNING, 1, 0)
    assert copies == [
        ("/slots/0?action=save", {"filename": slots.STATE}),
        ("/slots/1?action=restore", {"filename": slots.STATE}),
        ("/slots/2?action=restore", {"filename": slots.STATE}),
    ]


def test_a_server_that_cannot_save_a_slot_is_told_of_and_keeps_no_folder(
    server: Stub, tmp_path: Path
) -> None:
    server.refused = "/slots/0?action=save"
    with pytest.raises(OSError, match="/slots/0.action=save answered with status 500"):
        slots.fill(server.server_port, 2, BEGINNING, tmp_path / "slots")
    assert not list(tmp_path.iterdir())
