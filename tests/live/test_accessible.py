"""axe-core on every page that people see, light and dark: nothing serious is wrong."""

import re
import shutil
from base64 import b32decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from tests.live.conftest import NewBrowser, Site
from tests.live.mailbox import Mailbox
from tests.live.shop import RESOLVE, unique
from tests.live.test_attachments import BOOTS, OFFER, uploaded
from tests.live.test_console import LIVE, log_in
from tests.live.test_widget import answered, ask, open_chat, visit

pytestmark = pytest.mark.live

SERIOUS = {"serious", "critical"}
# Each frame is looked at by itself.
ALL_RULES = {"resultTypes": ["violations"], "iframes": False}
# What the scheme decides.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
COLOURS = {**ALL_RULES, "runOnly": {"type": "rule", "values": OF_COLOURS}}
# Where the admin's theme follows the system it does so only as the page is loaded.
FOLLOW = """html => {
    html.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
    for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
}"""
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
    "chatbot/inbox/setup/",
]


@pytest.fixture(scope="module")
def site(
    make_site: Callable[..., Site],
    stub: dict[str, str],
    mailbox: Mailbox,
    demo_site: Site,
    demo_folder: Path,
) -> Iterator[Site]:
    """The demo shop after a busy morning, so that no page is empty."""
    site = make_site(**stub, **mailbox.settings)
    shutil.copytree(demo_folder, site.data_dir, dirs_exist_ok=True)
    site.start().until_ready()
    site.run(PLAY)
    yield site
    assert site.end() == 0, site.output


@pytest.fixture
def page(new_browser: NewBrowser) -> Page:
    return new_browser(color_scheme="light", reduced_motion="reduce").new_page()


class Findings(dict[str, list[str]]):
    """What axe-core finds serious, by the page's name."""

    def look(self, page: Page, name: str) -> None:
        """By light, and what colours are by dark: on a page that is loaded once."""
        found = violations(page, ALL_RULES)
        switch(page, "dark")
        found += [f"dark: {one}" for one in violations(page, COLOURS)]
        switch(page, "light")
        if found:
            self[name] = found

    def assert_none(self) -> None:
        lines = [f"{name}: {one}" for name, found in self.items() for one in found]
        assert not lines, "\n".join(lines)


def switch(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.locator("html").evaluate(FOLLOW)


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """Of the page and of the chat in its frame."""
    return [
        f"{one['id']}: {node['html'][:160]}"
        for frame in page.frames
        if frame.url != "about:blank"  # the chat's, before it is opened
        for one in Axe().run(frame, options=rules).response["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def test_the_shop_and_the_widget(page: Page, site: Site) -> None:
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
    visit(page, site.url, "cust_31")
    chat = open_chat(page)
    answered(chat, "hello").get_by_role("button", name="Helpful", exact=True).click()
    site.run(RESOLVE, customer="cust_31", agent="agent")
    chat.get_by_text("Great").click()
    chat.get_by_role("button", name="E-mail it to me").click()
    found.look(page, "ended, rated")
    page.goto(f"{site.url}/confirm-mail/?key=old")
    found.look(page, "a link that is no longer good")
    found.assert_none()


def test_on_a_phone(new_browser: NewBrowser, site: Site) -> None:
    found = Findings()
    page = new_browser(viewport={"width": 390, "height": 780}, is_mobile=True).new_page()
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


def test_the_ways_in(page: Page, site: Site) -> None:
    found, mallory = Findings(), unique("mallory")
    page.goto(f"{site.url}/admin/login/")
    found.look(page, "log-in")
    try_in(page, site, mallory, "guess")
    found.look(page, "a wrong password")
    for _ in range(5):
        try_in(page, site, mallory, "guess")
    expect(page.locator("body")).to_contain_text("15 minutes")
    found.look(page, "locked out")
    log_in(page, site.url, "lena")
    page.goto(f"{site.url}/admin/second-factor/")
    found.look(page, "setting up a second factor")
    give(page, f"{totp(b32decode(page.locator('code').inner_text())):06d}")
    expect(page.locator("body")).to_contain_text("recovery codes")
    found.look(page, "recovery codes")
    page.context.clear_cookies()
    try_in(page, site, "lena", "attune-demo")
    page.wait_for_url(re.compile("second-factor"))
    found.look(page, "the second factor")
    give(page, "000000")
    found.look(page, "a wrong code")
    page.context.clear_cookies()
    log_in(page, site.url, "dora")
    page.goto(f"{site.url}/admin/auth/user/")
    found.look(page, "not allowed")
    found.assert_none()
