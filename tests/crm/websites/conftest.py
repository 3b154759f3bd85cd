"""Sites on this machine may be read, without a pause, and by one child process for all tests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache

from crm.models import Website
from crm.websites import jobs, robots
from crm.websites.reader import Reader
from tests.crm.websites.site import Site


class Shared(Reader):
    def __exit__(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def reader() -> Iterator[Reader]:
    shared = Shared()
    yield shared
    shared.end()


@pytest.fixture
def read(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Callable[..., dict[str, Any]]:
    """Read a site as a run does, and return the report."""
    monkeypatch.setattr(jobs, "Reader", lambda: reader)
    monkeypatch.setattr(robots, "PAUSE", 0)

    def read_site(site: Site, start: str = "/", **fields: Any) -> dict[str, Any]:
        cache.clear()
        settings.KNOWLEDGE_HOSTS = [*settings.KNOWLEDGE_HOSTS, site.host]
        fields = {"active": True} | fields
        website, _ = Website.objects.update_or_create(start=site.address + start, defaults=fields)
        site.asked.clear()
        assert jobs.begin(website)
        assert not jobs.read_part(website.pk, lambda: False)
        website.refresh_from_db()
        assert not website.reading
        return dict(website.report)

    return read_site
