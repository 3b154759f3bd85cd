"""Has pages read by a child process, which is ended if one takes too long."""

import json
import logging
import multiprocessing
import os
import subprocess
import sys
from dataclasses import dataclass
from email.message import Message
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from crm.plumbing.fetching import Answer

logger = logging.getLogger("attune.websites")
# No setting or secret of the parent: a hostile page that takes over a parser finds nothing.
ENVIRONMENT = {"PYTHONUTF8": "1", "PATH": os.defpath}
# The slowest pages of 5 MB took 6 to 14 s, and one of nothing but links 29 s, while eight other
# processes shared two cores (2026-11-29).
SECONDS = 25.0


class Unreadable(Exception):
    """The message continues the page's address."""


@dataclass(frozen=True)
class Page:
    """A page as pages.py reads it."""

    title: str
    text: str
    links: list[str]
    canonical: str
    index: bool
    name: str


class Reader:
    """The child process starts with the first page."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def start(self) -> Connection:
        self.pipe, theirs = multiprocessing.Pipe()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "crm.websites.child", str(theirs.fileno())],
                cwd=settings.BASE_DIR,
                pass_fds=[theirs.fileno()],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return self.pipe

    def end(self) -> None:
        if self.process and self.pipe:
            self.pipe.close()
            self.process.kill()
            self.process.wait()
        self.process = self.pipe = None

    def read(self, answer: Answer, site: str) -> Page:
        """Read a page. site: the whole title of the site's first page. Raises Unreadable."""
        head = {"kind": answer.kind, "charset": charset(answer), "url": answer.url, "site": site}
        try:
            pipe = self.pipe or self.start()
            pipe.send_bytes(json.dumps(head).encode() + b"\n" + answer.body)
            if not pipe.poll(SECONDS):
                raise Unreadable(f"takes longer than {SECONDS:g} seconds to read")
            found: dict[str, Any] = json.loads(pipe.recv_bytes())
        except Unreadable:
            self.end()
            raise
        except (OSError, EOFError, ValueError) as error:
            logger.warning("%s could not be read: %r", answer.url, error)
            self.end()
            raise Unreadable("cannot be read: it may be too large or broken") from None
        if "error" in found:
            logger.warning("%s could not be read: %s", answer.url, found["error"])
            raise Unreadable("cannot be read: it may be broken")
        return Page(**found)


def charset(answer: Answer) -> str:
    """Return the encoding that the server names."""
    header = Message()
    header["content-type"] = answer.headers.get("content-type", "")
    return str(header.get_param("charset") or "")
