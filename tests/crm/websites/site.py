"""A site on this machine, as a test writes it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def html(text: str, title: str = "", *, head: str = "", **headers: str) -> Answer:
    page = f"<html><head><title>{title}</title>{head}</head><body>{text}</body></html>"
    return Answer(page.encode(), headers={"Content-Type": "text/html; charset=utf-8"} | headers)


def leads(location: str, status: int = 301) -> Answer:
    return Answer(status=status, headers={"Location": location})


@dataclass
class Site:
    """By path what is answered; a function is called with the handler."""

    pages: dict[str, Answer | Callable[[Any], None]]
    address: str = ""
    # Paths in the order of the requests, and their headers.
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.address.removeprefix("http://")

    def answer(self, handler: Any) -> None:
        self.asked.append(handler.path)
        self.headers.append({name.lower(): value for name, value in handler.headers.items()})
        found = self.pages.get(handler.path, Answer(status=404))
        if callable(found):
            return found(handler)
        etag = found.headers.get("ETag")
        same = etag and handler.headers.get("If-None-Match") == etag
        handler.send_response(304 if same else found.status)
        for name, value in found.headers.items():
            handler.send_header(name, value)
        body = b"" if same else found.body
        if not same:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return None


@contextmanager
def served(**pages: Any) -> Iterator[Site]:
    site = Site(dict(pages.pop("pages", {}), **pages))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
