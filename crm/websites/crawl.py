"""Reads a site page by page. Its queue is in the database, so that another process can go on."""

import hashlib
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from crm.articles import editing
from crm.models import Website, WebsitePage
from crm.plumbing import fetching, storable
from crm.plumbing.fetching import Answer, NotFetched
from crm.websites import queue, robots, sitemaps
from crm.websites.addresses import Site, normal, origin
from crm.websites.reader import Page, Reader, Unreadable

logger = logging.getLogger("attune.websites")
# Types of pages (pages.py says the same, but only the child process imports its libraries).
KINDS = frozenset("text/html application/xhtml+xml text/plain text/markdown".split())
LARGEST = 5_000_000
# Longer than the longest pause, a name server that does not answer, a slow page and its reading.
LEASE = timedelta(minutes=3)
# Addresses that the report lists.
LISTED = 300
GONE = {404, 410}
# So many pages do not vanish from a site by themselves, if they are most of it: perhaps it shows a
# notice of maintenance.
MANY = 10
# So many failures in a row are the site's, and asking further would only burden it.
PATIENCE = 10
# Texts shorter than this are the same page only if their titles are the same too.
SHORT = 200


class Stopped(Exception):
    """Somebody has stopped the run, or another process has taken it over."""


class Closed(NotFetched):
    """The site's robots.txt excludes the address."""


class Crawl:
    """One process's part in a run, for as long as it holds the lease."""

    def __init__(self, website: Website, lease: datetime, reader: Reader) -> None:
        self.website, self.lease, self.reader = website, lease, reader
        self.report: dict[str, Any] = website.report
        self.start = normal(website.start)

    @property
    def site(self) -> Site:
        return Site(self.report["folder"]) if "folder" in self.report else Site.of(self.start)

    def work(self, enough: Callable[[], bool]) -> bool:
        """Read pages until there is none left, which is the end of the run, or `enough` says so
        after a page. Tells whether the run has ended. Raises Stopped."""
        queue.add(self.website, [self.start], away=0)
        while page := queue.next_page(self.website):
            self.renew()
            self.visit(page)
            if self.report["in_a_row"] == PATIENCE:
                self.report["outcome"].append(
                    f"{PATIENCE} pages in a row could not be read. Attune will try the others "
                    "in the next run."
                )
                break
            if enough():
                return False
        self.end()
        return True

    def renew(self) -> None:
        until = timezone.now() + LEASE
        mine = Website.objects.filter(pk=self.website.pk, lease_until=self.lease)
        if not mine.filter(cancel=False, active=True).update(lease_until=until):
            raise Stopped
        self.lease = until

    # --- one page

    def visit(self, row: WebsitePage) -> None:
        try:
            settle = self.asked(row)
        except (NotFetched, Unreadable) as error:
            settle = partial(self.failed, row, error)
        except (Stopped, OperationalError, InterfaceError):
            raise
        except Exception:
            # Whatever it is, it concerns this page alone.
            logger.exception("%s could not be read", row.address)
            ours = Unreadable("could not be read because of an error in Attune; see its log")
            settle = partial(self.failed, row, ours)
        with transaction.atomic():
            settle()
            row.read_in = self.website.run
            row.save()
            self.save_report()

    def asked(self, row: WebsitePage) -> Callable[[], None]:
        """Ask for the page. Returns what is to be done with the answer, in one transaction."""
        answer = fetching.fetch(
            row.address,
            kinds=sitemaps.KINDS if row.sitemap else KINDS,
            most=sitemaps.LARGEST if row.sitemap else LARGEST,
            headers=state_of(row),
            before=partial(self.before, sitemap=row.sitemap),
        )
        if answer.status == 304:
            return partial(self.same, row)
        if answer.status != 200:
            return partial(self.refused, row, answer)
        if row.sitemap:
            return partial(self.listed, list(sitemaps.read(answer.body)))
        return partial(self.read, row, answer, self.reader.read(answer, self.report["name"]))

    def before(self, url: str, sitemap: bool) -> None:
        """Wait before a request. Raises NotFetched if it may not be made."""
        fetching.allowed(url)
        if not sitemap and not robots.allows(url):
            raise Closed("is blocked by robots.txt")
        time.sleep(robots.pause(url))
        self.renew()

    # --- what comes of it

    def failed(self, row: WebsitePage, error: NotFetched | Unreadable) -> None:
        if row.sitemap and isinstance(error, NotFetched) and not error.passing:
            return  # Most sites have none.
        if isinstance(error, Closed):
            self.drop(row)
        if not isinstance(error, NotFetched) or error.passing or row.address == self.start:
            self.report["failed"] += 1
            self.report["in_a_row"] += 1
        self.leave_out(row.address, str(error))
        if row.address != self.start:
            self.queue(row.links, row.away + 1)

    def refused(self, row: WebsitePage, answer: Answer) -> None:
        if answer.status in GONE and row.taken:
            self.drop(row)
            self.report["failed"] += row.address == self.start
        else:
            text = (
                "does not exist" if answer.status in GONE else f"was answered with {answer.status}"
            )
            self.failed(row, NotFetched(text, answer.passing))

    def same(self, row: WebsitePage) -> None:
        self.report["in_a_row"] = 0
        self.count("unchanged")
        if row.address == self.start:
            self.begin(row.address)
        self.queue(row.links, row.away + 1)

    def listed(self, found: list[tuple[str, bool]]) -> None:
        """Queue what a sitemap lists."""
        self.queue((address for address, further in found if not further), 1)
        further = [address for address, further in found if further]
        queue.add(self.website, filter(None, map(spelt, further)), 0, sitemap=True)

    def read(self, row: WebsitePage, answer: Answer, page: Page) -> None:
        address = normal(answer.url)
        self.report["in_a_row"] = 0
        if row.address == self.start:
            self.begin(address, page.name)
        if address not in self.site:
            self.leave_out(row.address, f"leads to {address}, which is not in {self.site.folder}")
        elif address != row.address:
            if answer.moved:
                self.drop(row)
            other = self.row_of(address, row.away)
            if other.taken and other.read_in == self.website.run:
                self.leave_out(row.address, f"leads to {address}")
                return
            self.take(other, answer, page, asked=row.address)
            other.read_in = self.website.run
            other.save()
        else:
            self.take(row, answer, page, asked=row.address)

    def begin(self, address: str, name: str | None = None) -> None:
        """Note what the start page tells of the site, and queue its sitemaps."""
        self.report["folder"] = Site.of(address).folder
        if name is not None:
            self.report["name"] = name
        if self.website.depth:
            known = filter(None, map(spelt, robots.sitemaps(origin(address))))
            queue.add(self.website, known, 0, sitemap=True)

    def take(self, row: WebsitePage, answer: Answer, page: Page, asked: str) -> None:
        """Make an article of a page, unless it is not to be one."""
        row.links = queue.of_site(page.links, self.site) if follows(answer) else []
        main = spelt(page.canonical)
        if main in self.site and main not in {row.address, asked}:
            self.queue([main], row.away)
            row.links = [main, *row.links]
        self.queue(row.links, row.away + 1)
        text = " ".join(page.text.split())
        key = f"{page.title} {text}" if len(text) < SHORT else text
        row.digest = hashlib.sha256(key.encode()).hexdigest()
        if why := self.reason_against(row, answer, page, main, asked):
            self.drop(row)
            self.leave_out(row.address, why)
        elif not text:
            self.leave_out(row.address, "has no text")
        else:
            self.store(row, answer, page, main)

    def reason_against(
        self, row: WebsitePage, answer: Answer, page: Page, main: str, asked: str
    ) -> str:
        if not page.index or "noindex" in robots_header(answer):
            return "asks not to be kept (noindex)"
        if main in self.site and main not in {row.address, asked}:
            return f"names {main} as its main address"
        same = self.website.pages.filter(digest=row.digest, taken=True).exclude(pk=row.pk)
        if page.text and (other := same.first()):
            return f"says the same as {other.address}"
        return ""

    def store(self, row: WebsitePage, answer: Answer, page: Page, main: str) -> None:
        notes: list[str] = []
        # A main address elsewhere is the page as the company's customers see it.
        outcome = editing.take(
            row.address,
            page.title,
            storable.cut("text", page.text, notes),
            address=main or row.address,
            note=f"read from {row.address}"[:300],
            publish=self.website.publish,
        )
        self.count(outcome)
        for note in notes:
            self.leave_out(row.address, f"is long: {note}")
        row.taken = True
        row.etag = answer.headers.get("etag", "")[:300]
        row.modified = answer.headers.get("last-modified", "")[:100]

    # --- the report and the queue

    def row_of(self, address: str, away: int) -> WebsitePage:
        fields = {"found_in": self.website.run, "away": away}
        return self.website.pages.update_or_create(address=address, defaults=fields)[0]

    def queue(self, links: Any, away: int) -> None:
        if away <= self.website.depth and not queue.add(
            self.website, queue.of_site(links, self.site), away
        ):
            self.report["beyond"] = True

    def drop(self, row: WebsitePage) -> None:
        """Withdraw the article of a page that is not to be one any more."""
        if row.taken and editing.withdraw(row.address):
            self.count("withdrawn")
        row.taken, row.etag, row.modified = False, "", ""

    def count(self, outcome: str) -> None:
        counts = self.report["counts"]
        counts[outcome] = counts.get(outcome, 0) + 1

    def leave_out(self, address: str, why: str) -> None:
        self.count("left out")
        if len(self.report["left_out"]) < LISTED:
            self.report["left_out"].append([address, why])

    def save_report(self) -> None:
        mine = Website.objects.filter(pk=self.website.pk, lease_until=self.lease)
        if not mine.update(report=self.report):
            raise Stopped

    # --- the end

    def end(self) -> None:
        """Withdraw what the site no longer links, if it was read whole."""
        outcome = self.report["outcome"]
        if self.report["beyond"]:
            most = f"{self.website.most_pages:,}"
            outcome.append(f"The limit of {most} pages was reached, so pages may be missing.")
        stale = self.website.pages.exclude(found_in=self.website.run)
        gone, known = (
            stale.filter(taken=True).count(),
            self.website.pages.filter(taken=True).count(),
        )
        if gone and (self.report["beyond"] or self.report["failed"]):
            outcome.append(
                f"{gone} pages from earlier runs were not found. Attune kept their articles, "
                "because it could not read every page."
            )
        elif gone >= MANY and gone * 2 > known:
            outcome.append(
                f"{gone} of {known} pages are no longer linked. That is most of the site, so "
                "Attune kept their articles. Archive them yourself if that is right."
            )
        else:
            self.withdraw(list(stale))
        with transaction.atomic():
            self.save_report()
            Website.objects.filter(pk=self.website.pk).update(reading=False, lease_until=None)

    def withdraw(self, stale: list[WebsitePage]) -> None:
        for row in stale:
            self.renew()
            with transaction.atomic():
                self.drop(row)
                row.delete()
                self.save_report()


def state_of(row: WebsitePage) -> dict[str, str]:
    """Return the headers that ask whether a page that was taken has changed."""
    if not row.taken:
        return {}
    headers = {"If-None-Match": row.etag, "If-Modified-Since": row.modified}
    return {name: value for name, value in headers.items() if value}


def robots_header(answer: Answer) -> set[str]:
    asked = set(answer.headers.get("x-robots-tag", "").lower().replace(",", " ").split())
    return asked | ({"noindex", "nofollow"} if "none" in asked else set())


def follows(answer: Answer) -> bool:
    return "nofollow" not in robots_header(answer)


def spelt(link: str) -> str:
    """Return the one spelling of a link, or "" if it is none."""
    try:
        return normal(link)
    except ValueError:
        return ""
