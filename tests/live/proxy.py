"""A network between browser and site that can lose a path without a word, as sleep and NAT do."""

import socket
from contextlib import suppress
from threading import Event, Thread


class Proxy:
    """Carries bytes to a port of this machine and back. After `silence` whatever is connected stays
    open and hears nothing any more, neither data nor an end; new connections are carried again."""

    def __init__(self, port: int) -> None:
        self.site = port
        self.era = 0
        self.server = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with suppress(OSError):  # ended
            while True:
                here, _ = self.server.accept()
                there = socket.create_connection(("127.0.0.1", self.site))
                for way in ((here, there), (there, here)):
                    Thread(target=self.carry, args=(*way, self.era), daemon=True).start()

    def carry(self, source: socket.socket, target: socket.socket, era: int) -> None:
        data = b"-"
        while data:
            with suppress(ConnectionError):
                data = source.recv(65536)
            if era != self.era:
                Event().wait()  # for ever
            with suppress(OSError):
                target.sendall(data) if data else target.shutdown(socket.SHUT_WR)

    def silence(self) -> None:
        self.era += 1

    def end(self) -> None:
        self.server.close()
