"""axe-core on every page that people see, light and dark: nothing serious is wrong."""

import re
from base64 import b32decode
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django_otp.oath import totp
from playwright.sync_api import Browser, Page, expect

from tests.live.conftest import Site
from tests.live.mailbox import Mailbox
from tests.live.test_attachments import BOOTS, OFFER, uploaded
from tests.live.test_console import LIVE, log_in
from tests.live.test_customer import resolved_by_an_agent
from tests.live.test_widget import PATIENCE, answered, ask, open_chat, visit

pytestmark = pytest.mark.live

SERIOUS = {"serious", "critical"}
PLAY = "from tests.live.tour import scenes; scenes.play()"
MODELS = sorted(model._meta.label_lower.replace(".", "/") for model in admin.site._registry)
OTHERS = [
    "",
    "password_change/",
    "chatbot/erasure/of/cust_1/",
    "chatbot/cannedanswer/1/delete/",
    "chatbot/cannedanswer/1/history/",
    "auth/user/1/password/",
    "chatbot/conversation/?state__exact=bot",
]


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site], mailbox: Mailbox) -> Iterator[Site]:
    """The demo shop after a busy morning, so that no page is empty."""
    mails = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mailbox.port), "EMAIL_USE_TLS": "0"}
    site = make_site(**mails).start().until_ready()
    site.manage("shell", "-c", PLAY)
    yield site
    site.end()


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(scheme: str, browser: Browser) -> Iterator[Page]:
    viewport = {"width": 1440, "height": 900}
    context = browser.new_context(color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield context.new_page()
    context.close()


class Findings(dict[str, list[str]]):
    """What axe-core finds serious, by the page's name."""

    def look(self, page: Page, name: str) -> None:
        found = [
            f"{one['id']}: {node['html'][:160]}"
            for one in Axe().run(page).response["violations"]
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]
        if found:
            self[name] = found

    def assert_none(self) -> None:
        lines = [f"{name}: {one}" for name, found in self.items() for one in found]
        assert not lines, "\n".join(lines)


def test_the_shop_and_the_widget(page: Page, site: Site, scheme: str) -> None:
    found = Findings()
    visit(page, site.url, "cust_1")
    found.look(page, "the shop")
    chat = open_chat(page)
    chat.locator("button.chip").last.click()
    found.look(page, "answered, with a source open")
    for customer, name in (("cust_3", "waiting"), ("cust_4", "with an agent"), ("cust_9", "new")):
        visit(page, site.url, customer)
        chat = open_chat(page)
        found.look(page, name)
    chat.locator("#file").set_input_files([BOOTS, OFFER])
    uploaded(chat, 2)
    found.look(page, "files to send")
    chat.get_by_role("button", name="Send", exact=True).click()
    own = chat.locator(".message[data-author=customer]").last
    expect(own).to_have_attribute("data-status", "sent")
    found.look(page, "files sent")
    page.context.set_offline(True)
    expect(chat.get_by_text("Reconnecting…")).to_be_visible()
    expect(ask(chat, "hello")).to_have_attribute("data-status", "sending")
    found.look(page, "without a connection")
    page.context.set_offline(False)
    customer = {"light": "cust_31", "dark": "cust_32"}[scheme]
    visit(page, site.url, customer)
    chat = open_chat(page)
    answered(chat, "hello").get_by_role("button", name="Helpful", exact=True).click()
    resolved_by_an_agent(site, customer)
    chat.get_by_text("Great").click()
    chat.get_by_role("button", name="E-mail it to me").click()
    found.look(page, "ended, rated")
    page.goto(f"{site.url}/confirm-mail/?key=old")
    found.look(page, "a link that is no longer good")
    found.assert_none()


def test_on_a_phone(browser: Browser, site: Site, scheme: str) -> None:
    found = Findings()
    size = {"width": 390, "height": 780}
    context = browser.new_context(color_scheme=scheme, viewport=size, is_mobile=True)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    visit(page, site.url, "cust_1")
    open_chat(page)
    found.look(page, "the widget")
    log_in(page, site.url, "admin")
    page.goto(site.url + LIVE)
    expect(page.locator("#rows button").first).to_be_visible()
    found.look(page, "the live inbox")
    page.locator("#rows button").first.click()
    expect(page.locator("#messages li").first).to_be_visible()
    found.look(page, "a conversation in it")
    context.close()
    found.assert_none()


def test_the_live_inbox(page: Page, site: Site) -> None:
    found = Findings()
    log_in(page, site.url, "admin")
    page.goto(site.url + LIVE)
    expect(page.locator("#rows button").first).to_be_visible()
    found.look(page, "the list")
    page.locator("#rows button").filter(has_text="Daniel Okafor").click()
    expect(page.locator("#messages li").first).to_be_visible()
    for details in page.locator("#messages details").all():
        details.evaluate("one => one.open = true")
    found.look(page, "a conversation")
    page.keyboard.press("?")
    found.look(page, "the keys")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save view").click()
    found.look(page, "saving a view")
    found.assert_none()


def test_every_page_of_the_admin(page: Page, site: Site) -> None:
    found = Findings()
    log_in(page, site.url, "admin")
    for model in MODELS:
        at = f"{site.url}/admin/{model}/"
        page.goto(at)
        found.look(page, model)
        first = page.locator('#result_list a[href*="/change/"]').first
        link = first.get_attribute("href") if first.count() else None
        if link:
            page.goto(f"{site.url}{link}")
            for details in page.locator("details").all():
                details.evaluate("one => one.open = true")
            found.look(page, f"{model} change")
        answer = page.goto(f"{at}add/")
        if answer and answer.status == 200:
            found.look(page, f"{model} add")
    for path in OTHERS:
        page.goto(f"{site.url}/admin/{path}")
        found.look(page, path)
    page.goto(f"{site.url}/admin/chatbot/inbox/1/change/")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Show last week under these rules").click()
    found.look(opened.value, "the alerts of last week")
    found.assert_none()


def try_in(page: Page, site: Site, name: str, password: str) -> None:
    page.goto(f"{site.url}/admin/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def give(page: Page, code: str) -> None:
    page.fill("input[name=token]", code)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_ways_in(page: Page, site: Site, scheme: str) -> None:
    found = Findings()
    page.goto(f"{site.url}/admin/login/")
    found.look(page, "log-in")
    try_in(page, site, f"mallory-{scheme}", "guess")
    found.look(page, "a wrong password")
    for _ in range(5):
        try_in(page, site, f"mallory-{scheme}", "guess")
    expect(page.locator("body")).to_contain_text("15 minutes")
    found.look(page, "locked out")
    who = {"light": "lena", "dark": "olga"}[scheme]
    log_in(page, site.url, who)
    page.goto(f"{site.url}/admin/second-factor/")
    found.look(page, "setting up a second factor")
    give(page, f"{totp(b32decode(page.locator('code').inner_text())):06d}")
    expect(page.locator("body")).to_contain_text("recovery codes")
    found.look(page, "recovery codes")
    page.context.clear_cookies()
    try_in(page, site, who, "attune-demo")
    page.wait_for_url(re.compile("second-factor"))
    found.look(page, "the second factor")
    give(page, "000000")
    found.look(page, "a wrong code")
    page.context.clear_cookies()
    log_in(page, site.url, "dora")
    page.goto(f"{site.url}/admin/auth/user/")
    found.look(page, "not allowed")
    found.assert_none()
