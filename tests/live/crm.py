"""A CRM on this machine: keeps the events it is sent, and answers as it is told.

One server for all tests, since the site's allow-list names its port; each test has a path of it."""

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.live.shop import unique


@dataclass
class Crm:
    url: str
    got: list[tuple[dict[str, str], str]] = field(default_factory=list)
    answer: dict[str, str] = field(default_factory=dict)


class Crms:
    def __init__(self) -> None:
        self.at: dict[str, Crm] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def new(self) -> Crm:
        path = f"/{unique('hook')}"
        self.at[path] = Crm(f"http://{self.address}{path}")
        return self.at[path]

    def handler(crms) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                crm = crms.at[self.path]
                crm.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(crm.answer).encode())

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        return Handler
