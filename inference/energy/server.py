"""Serves the energy counter of a model server's machine to web processes on other machines.

`python -m inference.energy.server --metrics http://vllm:8100/metrics` answers `GET /energy` with
`{"joules": 81234.5, "tokens": 120345}`: the joules of all devices, and the tokens that the model
servers had written by then. It answers 404 if no device has a counter, and 503 while a model server
does not answer.
"""

import argparse
import http.server
import json
import re
import urllib.request
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from inference.energy import counters

TOKENS = re.compile(r"^vllm:generation_tokens_total(?:\{.*\})? (\S+)$", re.MULTILINE)
# No proxy from the environment: requests go only to the named hosts.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PATIENCE = 2


def tokens(pages: Sequence[str]) -> int:
    """Sum the tokens of all pages; OSError if a model server does not answer."""
    total = 0.0
    for page in pages:
        with OPENER.open(page, timeout=PATIENCE) as answer:
            total += sum(map(float, TOKENS.findall(answer.read().decode())))
    return int(total)


class Handler(http.server.BaseHTTPRequestHandler):
    pages: Sequence[str] = ()
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path != "/energy":
            self.answer(HTTPStatus.NOT_FOUND, {"detail": "There is only /energy here."})
        elif (joules := counters.joules()) is None:
            self.answer(HTTPStatus.NOT_FOUND, {"detail": "No device here counts its energy."})
        else:
            self.count(joules)

    def count(self, joules: float) -> None:
        try:
            self.answer(HTTPStatus.OK, {"joules": joules, "tokens": tokens(self.pages)})
        except OSError as error:
            detail = {"detail": f"A model server does not answer: {error}."}
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, detail)

    def answer(self, status: HTTPStatus, content: Mapping[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: there are two requests a second."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Serves this machine's energy counter.")
    parser.add_argument(
        "--metrics", nargs="+", required=True, help="/metrics of each vLLM on this machine"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8300)
    options = parser.parse_args(arguments)
    handler = type("Of", (Handler,), {"pages": options.metrics})
    with http.server.ThreadingHTTPServer((options.host, options.port), handler) as server:
        if counters.joules() is None:
            print("No device here counts its energy, or this user may not read it.", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
