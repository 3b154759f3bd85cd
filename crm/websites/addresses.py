"""Addresses of pages: one spelling of each, and which of them belong to a site."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

from crm.plumbing.destinations import PORTS, DestinationRefused, split_url

# As long as the columns that hold addresses.
LONGEST = 500
# Parameters that name a visit or where it came from, and change nothing on the page.
OF_THE_VISIT = frozenset(
    "sid sessionid session_id phpsessid jsessionid aspsessionid cfid cftoken fbclid gclid "
    "utm_source utm_medium utm_campaign utm_term utm_content".split()
)
SESSION = re.compile(r";jsessionid=[^/?#;]*", re.IGNORECASE)
SAFE = "%/:=&?~#+!$,;'@()*[]-._"


class NoAddress(ValueError):
    """The message continues the address."""


def normal(link: str, base: str = "") -> str:
    """Return the one spelling of a link's address. Raises NoAddress."""
    try:
        url = urldefrag(urljoin(base, link.strip()))[0]
        parts = urlsplit(url)
        path = quote(SESSION.sub("", parts.path), safe=SAFE) or "/"
        query = quote(without_visit(parts.query), safe=SAFE)
        scheme, host, port, _ = split_url(urlunsplit((parts.scheme, parts.netloc, path, query, "")))
    except (ValueError, DestinationRefused) as error:
        raise NoAddress(f"is not the address of a page: {error}") from None
    host = f"[{host}]" if ":" in host else host
    netloc = host if port == PORTS[scheme] else f"{host}:{port}"
    found = urlunsplit((scheme, netloc, path, query, ""))
    if len(found) > LONGEST:
        raise NoAddress(f"is longer than {LONGEST} characters")
    return found


def without_visit(query: str) -> str:
    parameters = query.split("&") if query else []
    return "&".join(one for one in parameters if one.partition("=")[0].lower() not in OF_THE_VISIT)


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Site:
    """Contains the pages in the folder of a site's start address, and below."""

    folder: str

    @classmethod
    def of(cls, start: str) -> "Site":
        parts = urlsplit(start)
        return cls(f"{origin(start)}{parts.path.rpartition('/')[0]}/")

    def __contains__(self, url: str) -> bool:
        return url.startswith(self.folder)
