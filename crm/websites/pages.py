"""Reads a page as it came over the wire: its main text as Markdown, its title, its links.

This runs in a child process (child.py) and needs neither Django nor a database.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import trafilatura
from charset_normalizer import from_bytes
from selectolax.lexbor import LexborHTMLParser
from trafilatura.settings import use_config

from inference.markup import DEEPEST, depth, without_markup

HTML = frozenset({"text/html", "application/xhtml+xml"})
KINDS = HTML | {"text/plain", "text/markdown"}
# Links taken from one page, and characters of one.
MOST_LINKS, LONGEST_LINK = 2_000, 2_000
# Characters of HTML whose main part is looked for: that takes 11 s for a million (2026-11-29, one
# core), and far longer for more. Of a larger page, everything is taken.
LARGE = 500_000
LONGEST_TITLE = 500
SEPARATOR = re.compile(" [|–—·»:-] ")
CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([\w-]{1,40})", re.IGNORECASE)
# Encodings that pages are written in, as Python names them. Some other names would run code of
# other kinds (punycode, unicode_escape).
TEXT = re.compile(r"utf-(8|16|32)|iso8859|cp125|koi8|gb|big5|shift_jis|euc_|mac-|ascii")
# Short pages are pages too.
SETTINGS = use_config()
SETTINGS.set("DEFAULT", "MIN_EXTRACTED_SIZE", "1")


def page(body: bytes, kind: str, charset: str, url: str, site: str) -> dict[str, Any]:
    """Return "title", "text", "links", "canonical", "index" (whether it may be kept) and "name"
    (its whole title). site: the whole title of the site's first page."""
    text = decoded(body, charset).replace("\x00", "")
    if kind not in HTML:
        plain = {"text": text.strip(), "links": [], "canonical": "", "index": True, "name": ""}
        return plain | {"title": plain_title(text) or place(url)}
    if depth(text) > DEEPEST:  # The parsers take the square of the depth.
        flat = {"text": without_markup(text), "links": [], "canonical": "", "index": True}
        return flat | {"title": place(url), "name": ""}
    tree = LexborHTMLParser(text)
    asked = directives(tree)
    name = words(tree.css_first("head title") or tree.css_first("title"))
    title = title_of([words(one) for one in tree.css("h1")], name, site) or place(url)
    return {
        "title": title[:LONGEST_TITLE],
        "text": without_heading(main_text(text, url), title),
        "links": [] if asked & {"nofollow", "none"} else list(links(tree, url)),
        "canonical": canonical(tree, url),
        "index": not asked & {"noindex", "none"},
        "name": name,
    }


def decoded(body: bytes, charset: str) -> str:
    """Decode a page. Few texts in another encoding are valid UTF-8 by chance, so that comes before
    what the server or the page says."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", errors="replace")
    said = CHARSET.search(body[:4_096])
    for name in ("utf-8-sig", charset, said[1].decode("ascii", "ignore") if said else ""):
        try:
            return body.decode(known(name))
        except (LookupError, UnicodeDecodeError):
            continue
    best = from_bytes(body[:100_000]).best()
    return body.decode(best.encoding if best else "cp1252", errors="replace")


def known(name: str) -> str:
    """Return an encoding's name. Browsers read Latin-1 as Windows-1252. Raises LookupError."""
    found = codecs.lookup(name).name
    if not TEXT.match(found):
        raise LookupError(name)
    return "cp1252" if found in {"iso8859-1", "ascii"} else found


def main_text(text: str, url: str) -> str:
    """Return the text without menus, or all of it if there is no main part."""
    if len(text) <= LARGE:
        found = trafilatura.extract(
            text,
            url=url,
            output_format="markdown",
            include_tables=True,
            include_links=True,
            include_comments=False,
            config=SETTINGS,
        )
        if found:
            return "\n".join(line.rstrip() for line in found.split("\n")).strip()
    return without_markup(text)


def without_heading(text: str, title: str) -> str:
    """Remove a first line that only repeats the title."""
    first, _, rest = text.partition("\n")
    return rest.strip() if first.lstrip("# ").strip() == title else text


# --- titles


def title_of(headings: list[str], title: str, site: str) -> str:
    """Return the heading or the title, without the name that all pages of the site have in it."""
    common = {*SEPARATOR.split(site), site}
    if own := next((heading for heading in headings if heading and heading not in common), ""):
        return own
    parts = SEPARATOR.split(title)
    return " – ".join(part for part in parts if part not in common) or title or "".join(headings)


def plain_title(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip("#= \t-")), "")
    return first.strip("#= \t")[:LONGEST_TITLE]


def place(url: str) -> str:
    """Return the last part of the address, for a page that has no title."""
    parts = urlsplit(url)
    return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.netloc


# --- the parsed page


def words(node: Any) -> str:
    return " ".join(node.text(separator=" ").split()) if node else ""


def directives(tree: Any) -> set[str]:
    """Return what the page asks of robots."""
    found: set[str] = set()
    for node in tree.css("meta[name]"):
        attributes = node.attributes
        if (attributes.get("name") or "").lower() in {"robots", "attune"}:
            found |= set((attributes.get("content") or "").lower().replace(",", " ").split())
    return found


def canonical(tree: Any, url: str) -> str:
    """Return the page's main address as the page names it; only its head is believed."""
    for node in tree.css("head link[rel]"):
        if "canonical" in (node.attributes.get("rel") or "").lower().split():
            return joined(base(tree, url), node.attributes.get("href") or "")
    return ""


def base(tree: Any, url: str) -> str:
    node = tree.css_first("base[href]")
    return joined(url, node.attributes["href"] or "") if node else url


def links(tree: Any, url: str) -> Iterator[str]:
    beginning, seen = base(tree, url), set()
    for node in tree.css("a[href], area[href]"):
        asked = (node.attributes.get("rel") or "").lower().split()
        link = joined(beginning, node.attributes["href"] or "")
        if link and link not in seen and "nofollow" not in asked:
            seen.add(link)
            yield link
        if len(seen) == MOST_LINKS:
            return


def joined(start: str, link: str) -> str:
    """Return the link's address, or "" if it is none of a page."""
    try:
        url = urldefrag(urljoin(start, link.strip()))[0]
    except ValueError:
        return ""
    return url if url.startswith(("http://", "https://")) and len(url) <= LONGEST_LINK else ""
