"""`manage.py serve`, what `make run` starts: it comes up, says what is wrong, leaves nothing."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from chatbot.operations import processes
from tests.live.conftest import Site, await_that, free_port

pytestmark = pytest.mark.live

Make = Callable[..., Site]


@pytest.fixture(scope="module")
def folder(make_site: Make) -> Iterator[Site]:
    """One folder for all tests of this module; without the demo shop it is ready sooner."""
    site = make_site(DEMO="0")
    yield site
    if site.living():
        assert site.end() == 0


@pytest.fixture
def site(folder: Site) -> Site:
    """It runs, whatever the test before has done to it."""
    return folder if folder.living() else folder.start().until_ready()


def test_it_starts_says_that_it_is_ready_and_with_sigterm_leaves_no_child(site: Site) -> None:
    assert site.status("/readyz") == 200
    assert site.status("/livez") == 200
    assert len(site.processes()) == 3
    assert site.end() == 0
    assert not site.processes()


def test_a_second_start_finds_what_the_first_one_left(site: Site) -> None:
    assert site.end() == 0
    site.start().until_ready()
    assert site.status("/readyz") == 200


def test_a_second_site_on_the_same_port_says_so_in_one_line(site: Site, make_site: Make) -> None:
    other = make_site(DEMO="0", PORT=site.env["PORT"]).start()
    assert other.process.wait() == 1
    assert other.output.count("\n") == 1
    assert f"Port {site.port} is in use: set PORT to a free one" in other.output
    assert not (other.data_dir / "attune.sqlite3").exists()


def test_a_chosen_model_port_that_is_taken_is_named(site: Site, make_site: Make) -> None:
    other = make_site(DEMO="0", SLM_PORT=site.env["SLM_PORT"]).start()
    assert other.process.wait() == 1
    assert f"Port {site.env['SLM_PORT']} is in use: set SLM_PORT to a free one" in other.output


def test_a_child_that_dies_is_named_and_started_again(site: Site) -> None:
    web = next(id for id, command in site.processes().items() if "uvicorn" in command)
    time.sleep(processes.SHORT_LIFE)  # Who dies sooner is not started again.
    os.kill(web, signal.SIGKILL)
    await_that(lambda: "The web server ended by itself" in site.output)
    await_that(lambda: site.status("/readyz") == 200)
    assert web not in site.processes()


def test_sigkill_leaves_no_child_either(site: Site) -> None:
    site.process.kill()
    site.process.wait()
    await_that(lambda: not site.processes())


def test_ctrl_c_during_the_preparation_leaves_no_child(make_site: Make) -> None:
    early = make_site().start()
    await_that(lambda: len(early.processes()) > 1)
    early.process.send_signal(signal.SIGINT)
    assert early.process.wait() == 130
    assert "Run the same command to go on" in early.output
    await_that(lambda: not early.processes())  # A killed child is still on its way out.


def test_the_model_server_takes_another_port_unless_one_was_chosen(make_site: Make) -> None:
    site = make_site(DEMO="0")
    del site.env["SLM_PORT"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            pass  # somebody else has it: the same to us
        site.start().until_ready()
    assert "Port 8080 is in use: the model server takes 80" in site.output
    assert site.status("/readyz") == 200
    assert site.end() == 0


def test_a_model_server_that_is_away_does_not_keep_the_web_server_from_starting(
    make_site: Make,
) -> None:
    site = make_site(DEMO="0", SLM_URL=f"http://127.0.0.1:{free_port()}/v1").start().until_ready()
    assert "no language model can be used" in site.output
    assert (site.status("/livez"), site.status("/readyz")) == (200, 503)
    assert len(site.processes()) == 2
    assert site.end() == 0
