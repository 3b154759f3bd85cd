"""A CRM that receives events: `python -m tests.live.stack.receiver PORT FILE` writes each one's
Host, webhook-id and sender's address as a JSON line."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        row = [self.headers["host"], self.headers["webhook-id"], self.client_address[0]]
        with Path(sys.argv[2]).open("a") as sink:
            sink.write(f"{json.dumps(row)}\n")
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
