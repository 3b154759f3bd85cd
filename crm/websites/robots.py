"""Asks a site's robots.txt what may be read (RFC 9309)."""

from functools import lru_cache

from django.core.cache import cache
from protego import Protego

from crm.plumbing import fetching
from crm.plumbing.fetching import AGENT, NotFetched
from crm.websites.addresses import origin

# RFC 9309, 2.5: at least 500 KiB must be read.
LARGEST = 512_000
# Seconds after which it is read again; RFC 9309 allows a day.
KEPT = 3_600
# Seconds between two requests, unless the site names them; and the most that a worker waits: with
# them, 500 pages take four hours.
PAUSE, LONGEST_PAUSE = 0.5, 30.0


def allows(url: str) -> bool:
    return bool(rules(origin(url)).can_fetch(url, AGENT))


def pause(url: str) -> float:
    """Return the seconds to wait before a request. Raises NotFetched if they are too many."""
    asked = rules(origin(url)).crawl_delay(AGENT)
    if asked is not None and asked > LONGEST_PAUSE:
        raise NotFetched(
            f"may be read only every {asked:g} seconds, according to its robots.txt; Attune waits "
            f"{LONGEST_PAUSE:g} seconds at most"
        )
    return PAUSE if asked is None else max(0.0, float(asked))


def sitemaps(site: str) -> list[str]:
    """Return the addresses of the origin's sitemaps, or where one usually is."""
    return list(rules(site).sitemaps) or [f"{site}/sitemap.xml"]


def rules(site: str) -> Protego:
    """Return an origin's rules. Raises NotFetched if they cannot be read: then nothing may be."""
    key = f"crm.websites.robots:{site}"
    text = cache.get(key)
    if text is None:
        text = fetched(f"{site}/robots.txt")
        cache.set(key, text, KEPT)
    return parsed(text)


def fetched(url: str) -> str:
    try:
        answer = fetching.fetch(url, most=LARGEST)
    except NotFetched as error:
        raise NotFetched(f"was not read, because {url} {error}", error.passing) from None
    if answer.status == 200:
        return answer.body.decode(errors="replace").replace("\x00", "")
    if 400 <= answer.status < 500 and not answer.passing:
        return ""  # There is none: all is allowed.
    raise NotFetched(f"was not read, because {url} was answered with {answer.status}", True)


@lru_cache(maxsize=16)
def parsed(text: str) -> Protego:
    return Protego.parse(text)
