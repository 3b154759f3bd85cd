"""What is read from a page: its text, title and links, however it was written."""

import pytest

from crm.websites.addresses import LONGEST, NoAddress, Site, normal
from crm.websites.pages import MOST_LINKS, page

URL = "http://help.corp/en/returns"
LONG = "We take boats back within thirty minutes, and nobody has to pay for that. "


def of(text: str | bytes, kind: str = "text/html", charset: str = "", site: str = "") -> dict:
    body = text.encode() if isinstance(text, str) else text
    return page(body, kind, charset, URL, site)


@pytest.mark.parametrize(
    ("encoding", "said", "meta"),
    [
        ("utf-8", "", ""),
        ("utf-8", "iso-8859-1", ""),  # The server is wrong.
        ("utf-8", "utf-8", "iso-8859-1"),
        ("cp1252", "iso-8859-1", ""),
        ("cp1252", "utf-8", ""),
        ("cp1252", "", "windows-1252"),
        ("utf-16", "", ""),
        ("cp1252", "zlib_codec", ""),
        ("cp1252", "punycode", ""),
        ("cp1252", "no such thing", ""),
    ],
)
def test_the_encoding_is_found_whatever_is_said_of_it(encoding: str, said: str, meta: str) -> None:
    head = f'<meta http-equiv="Content-Type" content="text/html; charset={meta}">' if meta else ""
    text = (
        f"<html><head>{head}</head><body><p>Größe für Käufer, für 5 € — später. {LONG}</p></body>"
    )
    assert "Größe für Käufer, für 5 €" in of(text.encode(encoding), charset=said)["text"]


@pytest.mark.parametrize(
    ("headings", "title", "site", "expected"),
    [
        ("<h1>Returns</h1>", "Returns | Acme Help", "Acme Help", "Returns"),
        ("", "Returns | Acme Help", "Acme Help", "Returns"),
        ("", "Acme Help – Returns", "Acme Help | Start", "Returns"),
        ("<h1>Acme Help</h1><h1>Fees</h1>", "x", "Acme Help", "Fees"),
        ("<h1>Acme Help</h1>", "Fees - Acme Help", "Acme Help", "Fees"),
        ("<h1>Acme Help</h1>", "Acme Help", "Acme Help", "Acme Help"),
        ("<h1> </h1>", "", "", "returns"),
        ("", "A " + "b" * 600, "", "A " + "b" * 498),
    ],
)
def test_the_title_is_the_page_s_own(headings: str, title: str, site: str, expected: str) -> None:
    html = f"<html><head><title>{title}</title></head><body>{headings}<p>{LONG}</p></body></html>"
    assert of(html, site=site)["title"] == expected


def test_tables_lists_and_links_become_markdown() -> None:
    html = (
        "<html><body><nav><a href=/>Menu</a></nav><main><h1>Fees</h1>"
        f'<p>{LONG}See the <a href="/terms">terms</a>.</p><ul><li>One</li><li>Two</li></ul>'
        "<table><tr><th>Boat</th><th>Fee</th></tr><tr><td>Dinghy</td><td>4.90</td></tr></table>"
        "</main><footer>Imprint</footer></body></html>"
    )
    text = of(html)["text"]
    assert "[terms](http://help.corp/terms)" in text
    assert "- One\n- Two" in text
    assert "| Dinghy | 4.90 |" in text
    assert not {"Menu", "Imprint", "# Fees"} & set(text.splitlines())


def test_a_page_that_is_laid_out_by_tables_is_taken_whole() -> None:
    html = f"<table><tr><td><a href=/>Home</a></td><td><h1>Old</h1>{LONG}</td></tr></table>"
    assert "thirty minutes" in of(html)["text"]


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{LONG}<b><i><table><tr><td>x</p></b></table>",
        f"{LONG}<![CDATA[ <!-- <script>",
        f"\x00<p>{LONG}\x00</p>&#0;&#xD800;",
        f"<body>{'<div>' * 20_000}{LONG}",
        f"<!DOCTYPE x [<!ENTITY a 'b'>]><html><body><p>{LONG}&a;</p>",
    ],
)
def test_bad_html_is_read_all_the_same(html: str) -> None:
    found = of(html)
    assert "thirty minutes" in found["text"]
    assert "\x00" not in found["text"]
    (found["title"] + found["text"]).encode()


def test_links_are_those_that_may_be_followed() -> None:
    html = (
        '<head><base href="/de/"></head><a href="a#x">a</a><a href="a">a</a><a href="b" rel="x '
        'NoFollow">b</a><a href="javascript:x()">c</a><a href="mailto:a@b.example">d</a>'
        '<a href="http://[">e</a><area href="//other.corp/f"><a>g</a>'
    )
    assert of(html)["links"] == ["http://help.corp/de/a", "http://other.corp/f"]
    assert of(f'<meta name="robots" content="nofollow">{html}')["links"] == []
    many = "".join(f'<a href="/{number}">x</a>' for number in range(MOST_LINKS + 9))
    assert len(of(many)["links"]) == MOST_LINKS


def test_only_the_head_names_the_main_address() -> None:
    link = '<link rel="canonical" href="../fees">'
    assert of(f"<html><head>{link}</head><body>x</body></html>")["canonical"] == (
        "http://help.corp/fees"
    )
    assert of(f"<html><head></head><body>x{link}</body></html>")["canonical"] == ""


def test_plain_text_is_taken_as_it_is() -> None:
    found = of("\n# Returns\n\nWithin <b>30</b> days.\n", "text/markdown")
    assert (found["title"], found["text"]) == ("Returns", "# Returns\n\nWithin <b>30</b> days.")
    assert of("", "text/plain")["title"] == "returns"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("HTTP://Help.Corp:80", "http://help.corp/"),
        ("https://help.corp:443/a#b", "https://help.corp/a"),
        ("../fees/./x", "http://help.corp/fees/x"),
        ("?a=1&PHPSESSID=9&b=2", "http://help.corp/en/returns?a=1&b=2"),
        ("a b/ü", "http://help.corp/en/a%20b/%C3%BC"),
        ("/a;jsessionid=1F?x=%2F", "http://help.corp/a?x=%2F"),
        ("//[fd00::5]:8080/", "http://[fd00::5]:8080/"),
    ],
)
def test_an_address_has_one_spelling(link: str, expected: str) -> None:
    assert normal(link, URL) == normal(expected) == expected


@pytest.mark.parametrize(
    "link",
    ["mailto:a@b.example", "http://bob@help.corp/", "http://[", "http://a:b/", "x" * LONGEST],
)
def test_what_is_no_address_of_a_page_is_refused(link: str) -> None:
    with pytest.raises(NoAddress):
        normal(link, URL)


def test_a_site_is_a_folder() -> None:
    site = Site.of("http://help.corp/en/start.html")
    assert "http://help.corp/en/a/b" in site
    for other in ("http://help.corp/de/", "http://help.corp/english", "https://help.corp/en/"):
        assert other not in site
