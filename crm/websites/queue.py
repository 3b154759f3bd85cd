"""The queue of a run: the addresses of a site that were found and are still to be read."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from django.db.models import QuerySet

from crm.models import Website, WebsitePage
from crm.websites.addresses import NoAddress, Site, normal

# Sitemaps read in one run: enough for the largest site, which may have 20,000 pages.
MOST_SITEMAPS = 50
# Files that pages link and that are no texts.
OTHER_FILES = frozenset(
    ".png .jpg .jpeg .gif .svg .webp .ico .css .js .woff .woff2 .mp3 .mp4 .webm .zip .gz".split()
)


def found(website: Website) -> QuerySet[WebsitePage]:
    """Select what this run has found."""
    return website.pages.filter(found_in=website.run)


def next_page(website: Website) -> WebsitePage | None:
    waiting = found(website).filter(read_in__lt=website.run)
    return waiting.order_by("away", "-sitemap", "id").first()


def progress(website: Website) -> tuple[int, int]:
    """Return how many pages were read in the last run, and how many it has found."""
    total = found(website).filter(sitemap=False)
    return total.filter(read_in=website.run).count(), total.count()


def add(website: Website, addresses: Iterable[str], away: int, sitemap: bool = False) -> bool:
    """Queue addresses that this run has not found yet. Returns False if some are too many."""
    wanted = list(dict.fromkeys(addresses))
    rows = website.pages.filter(address__in=wanted)
    known = dict(rows.values_list("address", "found_in"))
    new = [address for address in wanted if known.get(address) != website.run]
    most = MOST_SITEMAPS if sitemap else website.most_pages
    room = max(0, most - found(website).filter(sitemap=sitemap).count())
    again = [address for address in new[:room] if address in known]
    rows.filter(address__in=again).update(found_in=website.run, away=away, sitemap=sitemap)
    WebsitePage.objects.bulk_create(
        WebsitePage(
            website=website, address=address, away=away, sitemap=sitemap, found_in=website.run
        )
        for address in new[:room]
        if address not in known
    )
    return len(new) <= room


def of_site(links: Iterable[str], site: Site) -> list[str]:
    """Return the pages among the links that belong to the site."""
    pages = []
    for link in links:
        try:
            address = normal(link)
        except NoAddress:
            continue
        ending = PurePosixPath(urlsplit(address).path).suffix.lower()
        if address in site and ending not in OTHER_FILES:
            pages.append(address)
    return pages
