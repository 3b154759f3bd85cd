"""Reads sitemaps: XML without entities, or one address a line."""

from collections.abc import Iterator
from io import BytesIO
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from crm.plumbing.fetching import NotFetched, unpacked

KINDS = frozenset(
    "application/xml text/xml text/plain application/gzip application/x-gzip "
    "application/octet-stream".split()
)
# sitemaps.org: a sitemap has 50 MB at most. That many bytes hold 50,000 addresses, which is more
# than a site may have pages here.
LARGEST = 10_000_000
GZIP = b"\x1f\x8b"


def read(body: bytes) -> Iterator[tuple[str, bool]]:
    """Yield each address, and whether it is another sitemap's. Raises NotFetched."""
    if body.startswith(GZIP):
        body = unpacked(body, LARGEST)
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = body.decode(errors="replace").splitlines()
        yield from ((line.strip(), False) for line in lines if line.strip().startswith("http"))
        return
    # A declared document type is refused: a sitemap needs none, and it could hold entities.
    try:
        parent = ""
        for event, element in iterparse(BytesIO(body), ("start", "end"), forbid_dtd=True):
            name = element.tag.rpartition("}")[2]
            if event == "start" and name in {"url", "sitemap"}:
                parent = name
            elif event == "end" and name == "loc" and element.text:
                yield element.text.strip(), parent == "sitemap"
            elif event == "end" and name in {"url", "sitemap"}:
                element.clear()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise NotFetched(f"is not a readable sitemap: {error}", passing=True) from None
