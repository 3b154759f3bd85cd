"""A whole site for the live tests: `manage.py serve` with the small model, on ports of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from inference.programs import free_port

ROOT = Path(__file__).parent.parent.parent
# Seconds, and for Playwright milliseconds. Nothing is measured by it: it ends a wait for what will
# not come, also where a machine has much else to do.
PATIENCE = 900
PLAYWRIGHTS_PATIENCE = 1000 * PATIENCE


@dataclass
class Site:
    """`manage.py serve` with the small model, on ports and in a folder of its own."""

    data_dir: Path
    env: dict[str, str]
    # A Python program around it.
    within: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] = field(init=False)
    shell: subprocess.Popen[str] | None = None

    @staticmethod
    def environment(folder: Path) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"},
            "DJANGO_SETTINGS_MODULE": "chatbot.settings",
            "DATA_DIR": str(folder),
            "PORT": str(free_port()),
            "ATTUNE_MODEL": "small",
            # Nearly every live test is about what happens while a model answers.
            "ANSWER_AT_ONCE": "0",
        }

    @property
    def port(self) -> int:
        return int(self.env["PORT"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return (self.data_dir / "serve.out").read_text()

    def start(self) -> "Site":
        with (self.data_dir / "serve.out").open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, *self.within, "manage.py", "serve"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        return self

    def until_ready(self) -> "Site":
        await_that(lambda: "Attune is ready" in self.output or self.process.poll() is not None)
        assert "Attune is ready" in self.output, self.output
        return self

    def living(self) -> bool:
        return hasattr(self, "process") and self.process.poll() is None

    def end(self) -> int:
        """Ask it to end; return the exit status."""
        if self.shell:
            self.shell.communicate()
            self.shell = None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def manage(self, *arguments: str) -> str:
        """What a management command prints, on this site's data."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, program: str, **given: Any) -> Any:
        """What a program leaves in `result`, on this site's data; see shell.py."""
        if self.shell is None:
            self.shell = subprocess.Popen(
                [sys.executable, "-m", "tests.live.shell"],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self.shell.stdin
        assert self.shell.stdout
        print(json.dumps({"program": program, "given": given}), file=self.shell.stdin, flush=True)
        told = json.loads(self.shell.stdout.readline())
        assert "error" not in told, told["error"]
        return told["result"]

    def processes(self) -> dict[int, str]:
        """Every living process of this site, whoever its parent is: id and command line."""
        mark = f"DATA_DIR={self.data_dir}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    words = (entry / "cmdline").read_bytes().decode().split("\0")
                    found[int(entry.name)] = " ".join(words)
        return found

    def status(self, path: str) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()


def await_that(holds: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < ends, f"waited {PATIENCE} s in vain"
        time.sleep(0.1)
