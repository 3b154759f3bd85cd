"""alice's help pages become articles, and follow what happens to the pages."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from crm.articles import editing
from crm.models import Article, Record, WebsitePage
from crm.plumbing import fetching
from crm.websites import crawl
from tests.crm.websites.site import Answer, Site, html, leads, served

pytestmark = [pytest.mark.django_db, pytest.mark.services]
Read = Callable[..., dict[str, Any]]
MENU = '<nav><a href="/">Home</a> <a href="/returns">Returns</a> <a href="/fees">Fees</a></nav>'
RETURNS = "<h1>Returns</h1><p>Guests may return a boat within 30 minutes, and pay nothing.</p>"
FEES = (
    "<h1>Fees</h1><table><tr><th>Boat</th><th>Fee</th></tr>"
    "<tr><td>Dinghy</td><td>4.90 EUR</td></tr></table>"
)
HOME = "<h1>Welcome</h1><p>The harbour is open all year, from six in the morning.</p>"


def harbour(**more: Any) -> dict[str, Any]:
    return {
        "/": html(MENU + HOME, "Harbour help"),
        "/returns": html(MENU + RETURNS, "Returns | Harbour help"),
        "/fees": html(MENU + FEES, "Fees | Harbour help"),
        **more,
    }


def titles(state: str = "draft") -> list[str]:
    return list(Article.objects.filter(state=state).values_list("title", flat=True))


def reasons(report: dict[str, Any], site: Site) -> dict[str, str]:
    return {address.removeprefix(site.address): why for address, why in report["left_out"]}


def test_each_page_becomes_an_article_without_the_menu(read: Read) -> None:
    with served(pages=harbour()) as site:
        report = read(site)
    assert report["counts"] == {"created": 3}
    assert titles() == ["Fees", "Returns", "Welcome"]
    fees = Article.objects.get(title="Fees")
    assert "| Dinghy | 4.90 EUR |" in fees.body
    assert "Home" not in fees.body
    assert fees.source == fees.address == f"{site.address}/fees"
    assert not Record.objects.exists()


def test_pages_are_published_at_once_only_if_the_website_says_so(read: Read) -> None:
    with served(pages=harbour()) as site:
        read(site, publish=True)
    assert len(titles("published")) == 3
    assert Record.objects.get(title="Returns").text.startswith("Guests may return")


def test_the_second_run_tells_what_has_changed(read: Read) -> None:
    pages = harbour(**{"/old": html("<p>Old prices, which nobody pays.</p>", "Old prices")})
    pages["/"] = html(MENU + HOME + '<a href="/old">old</a>', "Harbour help", ETag='"1"')
    with served(pages=pages) as site:
        read(site, publish=True)
        site.pages["/fees"] = html(MENU + FEES.replace("4.90", "5.20"), "Fees | Harbour help")
        del site.pages["/old"]
        report = read(site, publish=True)
    assert report["counts"] == {"unchanged": 2, "updated": 1, "withdrawn": 1}
    assert "5.20 EUR" in Record.objects.get(title="Fees").text
    assert titles("archived") == ["Old prices"]
    assert [header["if-none-match"] for header in site.headers if "if-none-match" in header] == [
        '"1"'
    ]


def test_a_page_that_nothing_links_any_more_is_archived(read: Read) -> None:
    with served(pages=harbour()) as site:
        read(site)
        alone = '<nav><a href="/returns">Returns</a></nav>'
        site.pages["/"] = html(alone + HOME, "Harbour help")
        site.pages["/returns"] = html(alone + RETURNS, "Returns | Harbour help")
        assert read(site)["counts"] == {"unchanged": 2, "withdrawn": 1}
    assert titles("archived") == ["Fees"]
    assert not WebsitePage.objects.filter(address__endswith="/fees").exists()


@pytest.mark.parametrize(
    "trouble",
    [
        {"/": Answer(status=404)},
        {"/": Answer(status=503)},
        {"/": leads("http://sso.example/login", 302)},
        {"/robots.txt": Answer(status=503)},
        {"/robots.txt": Answer(b"User-agent: *\nDisallow: /")},
    ],
)
def test_nothing_is_archived_when_the_site_is_in_trouble(read: Read, trouble: Any) -> None:
    with served(pages=harbour()) as site:
        read(site)
        site.pages |= {"/": html(HOME + '<a href="/returns">x</a>', "Harbour help"), **trouble}
        report = read(site)
    assert {"Fees", "Returns"} <= set(titles())
    assert "kept their articles" in report["outcome"][-1]


def test_the_links_of_a_page_that_fails_are_those_of_the_last_run(read: Read) -> None:
    with served(pages=harbour()) as site:
        read(site)
        site.pages["/"] = html(HOME + '<a href="/returns">x</a>', "Harbour help")
        site.pages["/returns"] = Answer(status=500)
        assert read(site)["counts"] == {"unchanged": 2, "left out": 1}
        assert "/fees" in site.asked
    assert titles() == ["Fees", "Returns", "Welcome"]


def test_most_of_a_site_does_not_vanish_by_itself(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "MANY", 2)
    with served(pages=harbour()) as site:
        read(site)
        site.pages["/"] = html("<h1>Maintenance</h1><p>We are back at noon.</p>", "Harbour help")
        report = read(site)
    assert "2 of 3 pages are no longer linked" in report["outcome"][0]
    assert len(titles("archived")) == 0


def test_a_page_that_was_edited_here_is_left_alone(read: Read) -> None:
    with served(pages=harbour()) as site:
        read(site)
        article = Article.objects.get(title="Fees")
        article.body = "Ask the harbour master."
        editing.save(article)
        site.pages["/fees"] = html(MENU + FEES.replace("4.90", "5.20"), "Fees | Harbour help")
        assert read(site)["counts"] == {"unchanged": 2, "edited here": 1}
        del site.pages["/fees"]
        read(site)
    article.refresh_from_db()
    assert (article.body, article.state) == ("Ask the harbour master.", "draft")


def test_robots_txt_is_obeyed(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("crm.websites.crawl.time.sleep", waits.append)
    rules = "User-agent: Attune\nDisallow: /fees\nCrawl-delay: 7\n\nUser-agent: *\nDisallow: /\n"
    with served(pages=harbour(**{"/robots.txt": Answer(rules.encode())})) as site:
        report = read(site)
        assert "/fees" not in site.asked
        assert reasons(report, site) == {"/fees": "is blocked by robots.txt"}
        site.pages["/robots.txt"] = Answer(b"User-agent: *\nCrawl-delay: 900")
        assert "only every 900 seconds" in reasons(read(site), site)["/"]
    assert set(waits) == {7.0}
    assert titles() == ["Returns", "Welcome"]


def test_nothing_is_read_while_robots_txt_cannot_be_read(read: Read) -> None:
    with served(pages=harbour(**{"/robots.txt": Answer(status=500)})) as site:
        report = read(site)
        assert site.asked == ["/robots.txt"]
    assert "robots.txt was answered with 500" in report["left_out"][0][1]
    assert not Article.objects.exists()


def test_a_page_closed_to_robots_later_is_archived(read: Read) -> None:
    with served(pages=harbour()) as site:
        read(site)
        site.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /fees")
        site.pages["/returns"] = html(
            MENU + RETURNS, "Returns", head='<meta name="Robots" content="NOINDEX, follow">'
        )
        assert read(site)["counts"]["withdrawn"] == 2
    assert titles() == ["Welcome"]


def test_sitemaps_are_read(read: Read) -> None:
    with served(pages={"/": html(HOME, "Harbour help")}) as site:
        urls = (
            f"<url><loc>{site.address}/returns</loc></url><url><loc>http://x.example/</loc></url>"
        )
        index = (
            f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
            f"<sitemap><loc>{site.address}/pages.xml.gz</loc></sitemap>"
            f"<sitemap><loc>{site.address}/bomb.xml</loc></sitemap></sitemapindex>"
        )
        xml = {"Content-Type": "application/xml"}
        bomb = (
            '<!DOCTYPE u [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
            f"<urlset><url><loc>{site.address}/fees?&b;</loc></url></urlset>"
        )
        packed = gzip.compress(f"<urlset>{urls}</urlset>".encode())
        site.pages |= {
            "/returns": html(RETURNS, "Returns"),
            "/robots.txt": Answer(f"Sitemap: {site.address}/map.xml".encode()),
            "/map.xml": Answer(index.encode(), headers=xml),
            "/pages.xml.gz": Answer(packed, headers={"Content-Type": "application/gzip"}),
            "/bomb.xml": Answer(bomb.encode(), headers=xml),
        }
        report = read(site)
        assert "is not a readable sitemap" in reasons(report, site)["/bomb.xml"]
    assert titles() == ["Returns", "Welcome"]


def test_a_page_with_several_addresses_is_taken_once(read: Read) -> None:
    links = "".join(
        f'<a href="{link}">x</a>'
        for link in (
            "/returns?print=1",
            "/returns;jsessionid=4F",
            "/returns?sid=7&utm_source=x#top",
            "RETURNS-old",
            "/fees?sort=up",
        )
    )
    main = '<link rel="canonical" href="/fees">'
    pages = harbour(
        **{
            "/": html(MENU + links + HOME, "Harbour help"),
            "/returns?print=1": html(RETURNS, "Returns, to print"),
            "/RETURNS-old": leads("/returns"),
            "/fees?sort=up": html(FEES, "Fees, sorted", head=main),
        }
    )
    # A site that names an address which leads back: the page is taken all the same.
    pages["/fees"] = html(FEES, "Fees", head='<link rel="canonical" href="/fees/">')
    pages["/fees/"] = leads("/fees")
    with served(pages=pages) as site:
        report = read(site)
    why = reasons(report, site)
    assert why["/returns?print=1"] == f"says the same as {site.address}/returns"
    assert why["/RETURNS-old"] == f"leads to {site.address}/returns"
    assert why["/fees?sort=up"] == f"names {site.address}/fees as its main address"
    assert site.asked.count("/returns") == 2  # By itself, and where the old address leads.
    assert titles() == ["Fees", "Returns", "Welcome"]


def test_a_main_address_is_no_further_away(read: Read) -> None:
    main = html(FEES, "Fees", head='<link rel="canonical" href="/main">')
    pages = {"/": html(HOME + '<a href="/fees">x</a>'), "/fees": main, "/main": html(FEES, "Fees")}
    with served(pages=pages) as site:
        read(site, depth=1)
        assert Article.objects.get(title="Fees").source == f"{site.address}/main"


def test_links_are_followed_to_the_depth_and_to_the_number_of_pages(read: Read) -> None:
    def step(handler: Any) -> None:
        number = int(handler.path.removeprefix("/") or 0)
        page = html(f'<a href="/{number + 1}">on</a><p>Step number {number} of a way.</p>', "x")
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        handler.wfile.write(page.body)

    with served(pages={"/": step, **{f"/{number}": step for number in range(99)}}) as site:
        assert read(site, depth=2)["counts"] == {"created": 3}
        report = read(site, depth=50, most_pages=5)
    assert report["outcome"] == ["The limit of 5 pages was reached, so pages may be missing."]
    assert Article.objects.count() == 5


def test_only_pages_below_the_start_are_read(read: Read) -> None:
    pages = {
        "/en/": html('<a href="fees">f</a><a href="/de/">de</a><a href="../x">x</a><p>Home</p>'),
        "/en/fees": html(FEES),
        "/en/out": leads("/de/"),
        "/de/": html("<p>Willkommen im Hafen</p>"),
    }
    pages["/en/fees"] = html(FEES + '<a href="out">o</a><a href="boat.png">p</a>')
    with served(pages=pages) as site:
        report = read(site, "/en/")
        assert not {"/x", "/en/boat.png"} & set(site.asked)
    assert reasons(report, site) == {
        "/en/out": f"leads to {site.address}/de/, which is not in {site.address}/en/"
    }
    assert Article.objects.count() == 2


def test_a_start_that_leads_elsewhere_on_listed_hosts_is_where_it_leads(
    read: Read, settings: Any
) -> None:
    with served(pages=harbour()) as site, served(pages={"/": leads(f"{site.address}/")}) as old:
        report = read(old)
        assert reasons(report, old)["/"].startswith("may not be read")
        settings.KNOWLEDGE_HOSTS = [site.host]
        assert read(old)["counts"] == {"created": 3}
        assert read(old)["counts"] == {"unchanged": 3}


def test_no_page_leads_to_a_host_that_is_not_listed(read: Read) -> None:
    with served(pages={"/secret": html("<p>secret</p>")}) as inner, served() as site:
        site.pages["/"] = html(f'{HOME}<a href="/out">a</a><a href="{inner.address}/secret">b</a>')
        site.pages["/out"] = leads(f"{inner.address}/secret")
        report = read(site)
        assert inner.asked == []
    assert "is not in the setting KNOWLEDGE_HOSTS" in reasons(report, site)["/out"]


def test_what_is_no_page_is_left_out_with_its_reason(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "LARGEST", 2_000)
    links = "".join(f'<a href="/{name}">x</a>' for name in ("a.pdf", "big", "gone", "no", "empty"))
    pages = {
        "/": html(HOME + links),
        "/a.pdf": Answer(b"%PDF", headers={"Content-Type": "application/pdf"}),
        "/big": html("<p>x</p>" * 1_000),
        "/no": Answer(status=403),
        "/empty": html("<script>app()</script>", "App"),
    }
    with served(pages=pages) as site:
        why = reasons(read(site), site)
    assert why == {
        "/a.pdf": "is of the type application/pdf",
        "/big": "is larger than 0.002 MB",
        "/gone": "does not exist",
        "/no": "was answered with 403",
        "/empty": "has no text",
    }


def test_a_site_that_fails_again_and_again_is_left_in_peace(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = "".join(f'<a href="/{number}">x</a>' for number in range(30))
    broken = {f"/{number}": Answer(status=500) for number in range(30)}
    with served(pages={"/": html(HOME + links), **broken}) as site:
        report = read(site)
        assert len(site.asked) < 15
    assert "10 pages in a row could not be read" in report["outcome"][0]


def test_an_error_of_ours_is_one_page_s_own(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fetching.fetch

    def faulty(url: str, **options: Any) -> Any:
        if url.endswith("/fees"):
            raise KeyError("fees")
        return real(url, **options)

    monkeypatch.setattr(fetching, "fetch", faulty)
    with served(pages=harbour()) as site:
        assert "error in Attune" in reasons(read(site), site)["/fees"]
    assert titles() == ["Returns", "Welcome"]


def test_a_page_names_where_customers_read_it(read: Read) -> None:
    public = '<link rel="canonical" href="https://help.example/fees">'
    with served(pages={"/": html(FEES, "Fees", head=public)}) as site:
        read(site)
    article = Article.objects.get()
    assert (article.source, article.address) == (f"{site.address}/", "https://help.example/fees")
