"""A mail server on loopback that accepts every e-mail and keeps it: as much SMTP as it takes."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self.server = ThreadingTCPServer(("127.0.0.1", 0), self.handler())
        self.server.daemon_threads = True
        port = str(self.server.server_address[1])
        self.settings = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": port, "EMAIL_USE_TLS": "0"}
        Thread(target=self.server.serve_forever, daemon=True).start()

    def end(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def to(self, address: str) -> list[str]:
        """What was sent there."""
        return [str(mail.get_content()) for to, mail in self.mails if to == address]

    def handler(box) -> type[StreamRequestHandler]:
        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 mailbox")
                to = ""
                while line := self.rfile.readline():
                    words = line.decode().strip()
                    if words.upper().startswith("RCPT TO:"):
                        to = words[8:].strip(" <>")
                    if words.upper() == "DATA":
                        self.say("354 go on")
                        mail = message_from_bytes(self.text(), policy=policy.default)
                        box.mails.append((to, mail))
                    if words.upper() == "QUIT":
                        self.say("221 bye")
                        return
                    self.say("250 ok")

            def text(self) -> bytes:
                lines = []
                while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                    lines.append(line.removeprefix(b"."))
                return b"".join(lines)

            def say(self, line: str) -> None:
                self.wfile.write(f"{line}\r\n".encode())

        return Handler
