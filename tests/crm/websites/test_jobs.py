"""Runs of websites: one process at a time, in parts, stopped by hand, and taken over."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm import tasks
from crm.models import Article, Website
from crm.plumbing import background
from crm.plumbing.fetching import Answer as Fetched
from crm.websites import jobs, reader
from crm.websites.reader import Reader, Unreadable
from tests.crm.websites.site import Site, html, served

pytestmark = [pytest.mark.django_db, pytest.mark.services]
LINKS = "".join(f'<a href="/{number}">{number}</a>' for number in range(3))


@pytest.fixture
def site(read: Callable[..., Any], settings: Any) -> Iterator[Site]:
    pages = {f"/{number}": html(f"<p>This is page number {number}.</p>") for number in range(3)}
    with served(pages={"/": html(f"<h1>Start</h1>{LINKS}"), **pages}) as site:
        settings.KNOWLEDGE_HOSTS = [site.host]
        yield site


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is left to other tasks."""
    left: list[Any] = []
    monkeypatch.setattr(background, "slowly", lambda task, *given: left.append((task.name, *given)))
    return left


def website(site: Site, **fields: Any) -> Website:
    return Website.objects.create(start=f"{site.address}/", **({"active": True} | fields))


def test_a_run_is_done_in_parts(
    site: Site, later: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PART", -1.0)  # Each is over after one page.
    made = website(site)
    assert jobs.begin(made)
    assert not jobs.begin(made), "it is being read"
    while later:
        assert later.pop(0) == ("crm.tasks.read_website", made.pk)
        tasks.read_website(made.pk)
    made.refresh_from_db()
    assert (made.reading, made.lease_until, made.report["counts"]) == (False, None, {"created": 4})
    assert site.asked.count("/robots.txt") == 1
    assert len(site.asked) == len(set(site.asked)) == 6


def test_one_process_reads_and_another_takes_over_when_it_dies(site: Site) -> None:
    made = website(site)
    jobs.begin(made)
    assert jobs.read_part(made.pk, lambda: True)
    until = timezone.now() + timedelta(minutes=1)
    Website.objects.update(lease_until=until)
    assert not jobs.read_part(made.pk, lambda: False), "somebody else reads it"
    assert Article.objects.count() == 1
    Website.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs.read_part(made.pk, lambda: False)
    assert Article.objects.count() == 4


def test_a_process_that_has_lost_its_lease_writes_nothing(site: Site) -> None:
    made = website(site)
    jobs.begin(made)

    def stolen() -> bool:
        Website.objects.update(lease_until=timezone.now() + timedelta(hours=1))
        return False

    assert not jobs.read_part(made.pk, stolen)
    made.refresh_from_db()
    assert made.reading
    assert Article.objects.count() == 1


@pytest.mark.parametrize("how", [{"cancel": True}, {"active": False}])
def test_a_run_is_stopped_between_two_pages(site: Site, how: dict[str, bool]) -> None:
    made = website(site)
    jobs.begin(made)

    def stop() -> bool:
        Website.objects.update(**how)
        return False

    assert not jobs.read_part(made.pk, stop)
    made.refresh_from_db()
    assert (made.reading, made.cancel, made.report["outcome"]) == (False, False, [jobs.STOPPED])
    assert Article.objects.count() == 1


def test_websites_are_read_by_the_hour_and_dead_runs_go_on(site: Site, later: list[Any]) -> None:
    now = timezone.now()
    made = website(site)
    others = {
        "due": {"every_hours": 2, "looked_at": now - timedelta(hours=3)},
        "new": {"every_hours": 2},
        "fresh": {"every_hours": 2, "looked_at": now - timedelta(hours=1)},
        "off": {"every_hours": 2, "active": False},
        "dead": {"reading": True, "lease_until": now - timedelta(seconds=1)},
        "alive": {"reading": True, "lease_until": now + timedelta(seconds=60)},
    }
    ids = {
        name: Website.objects.create(start=f"http://{name}/", **({"active": True} | fields)).pk
        for name, fields in others.items()
    }
    tasks.look_after_websites()
    assert {pk for _, pk in later} == {ids["due"], ids["new"], ids["dead"]}
    assert not Website.objects.get(pk=made.pk).reading


def test_a_page_that_hangs_or_kills_its_reader_is_one_page_s_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(body: str, kind: str = "text/html") -> Fetched:
        return Fetched("http://help.corp/", 200, {"content-type": kind}, body.encode())

    with Reader() as own:
        own.read(answer("<p>One page, and then another.</p>"), "")
        monkeypatch.setattr(reader, "SECONDS", 0.001)
        with pytest.raises(Unreadable, match="takes longer"):
            own.read(answer("<p>word word word.</p>" * 20_000), "")
        assert own.process is None
        monkeypatch.undo()
        own.start().send_bytes(b"no JSON")
        own.pipe.recv_bytes()
        own.process.kill()
        with pytest.raises(Unreadable, match="too large or broken"):
            own.read(answer("<p>x</p>"), "")
        assert own.process is None


def test_the_command_reads_a_website(site: Site) -> None:
    out = StringIO()
    call_command("read_website", f"{site.address}/", "--publish", stdout=out)
    assert "Pages: 4 created." in out.getvalue()
    assert Article.objects.filter(state="published").count() == 4
    Website.objects.update(reading=True, lease_until=timezone.now() + timedelta(hours=1))
    with pytest.raises(CommandError, match="Another process is reading"):
        call_command("read_website", f"{site.address}/")


@pytest.mark.parametrize(
    ("address", "why"),
    [("http://8.8.8.8/", "KNOWLEDGE_HOSTS"), ("help.corp", "must begin with http://")],
)
def test_the_command_says_what_is_wrong_with_an_address(address: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("read_website", address)
    assert not Website.objects.exists()
