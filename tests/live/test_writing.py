"""What alice and dora write: with an input method, with nothing in it, without a connection."""

import re
import unicodedata
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from inference.text import blank
from tests.live.conftest import ROOT
from tests.live.test_console import LIVE, log_in, the_one_with
from tests.live.test_widget import answered, ask, launcher, open_chat, shown, visit
from tests.texts import INVISIBLE, VISIBLE

pytestmark = pytest.mark.live

PATIENCE = 90_000  # milliseconds
WRITTEN = ROOT / "chatbot" / "static" / "chatbot" / "common" / "written.js"
ENTER = {"key": "Enter", "bubbles": True, "cancelable": True}
# The key that ends a composition, and its end, as each browser brings them.
OF_THE_INPUT_METHOD = {**ENTER, "keyCode": 229}
SAFARI = [("compositionend", {}), ("keydown", {**OF_THE_INPUT_METHOD, "isComposing": False})]
CHROME = [("keydown", {**OF_THE_INPUT_METHOD, "isComposing": True}), ("compositionend", {})]
FIREFOX = [
    ("keydown", {**OF_THE_INPUT_METHOD, "isComposing": True}),
    ("compositionend", {}),
    ("keyup", {**ENTER, "keyCode": 13, "isComposing": False}),
]
DISPATCH = """(field, events) => events.forEach(([type, about]) => field.dispatchEvent(
    type.startsWith("key") ? new KeyboardEvent(type, about) : new CompositionEvent(type, about)))"""
# The clock of this page goes wrong by so many hours from here on.
PUT_BACK = """hours => {
    const True = Date;
    Date = class extends True {
        constructor(...given) { given.length ? super(...given) : super(Date.now()); }
        static now() { return True.now() - hours * 3_600_000; }
    };
}"""


@pytest.fixture(autouse=True)
def patient(page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)


def compose(field: Locator, text: str, events: list[tuple[str, dict[str, Any]]]) -> None:
    field.fill(text)
    field.evaluate(DISPATCH, [("compositionstart", {}), *events])


@pytest.mark.parametrize("order", [SAFARI, CHROME, FIREFOX], ids=["Safari", "Chrome", "Firefox"])
def test_the_enter_that_ends_a_composition_sends_nothing_and_the_next_one_does(
    page: Page, site: str, order: list[tuple[str, dict[str, Any]]]
) -> None:
    visit(page, site, "cust_36")
    chat = open_chat(page)
    field = chat.get_by_label("Your message")
    before = shown(chat)
    words = f"日本語 {uuid.uuid4()}"
    compose(field, words, order)
    expect(field).to_have_value(words)
    field.press("Enter")
    expect(field).to_have_value("")
    expect(chat.locator(".message[data-author=customer]").last).to_contain_text(words)
    assert [text for text in shown(chat) if text not in before].count(words) == 1


def test_dora_confirms_a_conversion_without_sending_it(page: Page, site: str) -> None:
    words = f"hello {uuid.uuid4()}"
    visit(page, site, "cust_37")
    answered(open_chat(page), words)
    log_in(page, site, "agent")
    page.goto(site + LIVE)
    the_one_with(page, words).click()
    page.get_by_role("button", name="Take over").click()
    field = page.locator("#text")
    expect(field).to_be_enabled()
    compose(field, "日本語", SAFARI)
    expect(field).to_have_value("日本語")
    field.fill("\u200b")
    field.press("Enter")
    expect(field).to_have_value("\u200b")
    field.fill("日本語")
    field.press("Enter")
    expect(page.locator("#messages .from-agent").last).to_contain_text("日本語")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator("#standing")).to_contain_text("Closed")


def test_what_shows_nothing_cannot_be_sent(page: Page, site: str) -> None:
    visit(page, site, "cust_38")
    chat = open_chat(page)
    field, send = chat.get_by_label("Your message"), chat.get_by_role("button", name="Send")
    for text in VISIBLE.values():
        field.fill(text)
        expect(send).to_be_enabled()
    for text in INVISIBLE.values():
        field.fill(text)
        expect(send).to_be_disabled()
        field.press("Enter")
    expect(chat.locator(".message[data-author=customer]")).to_have_count(0)


def test_browser_and_server_judge_every_character_alike(page: Page) -> None:
    seen_by_the_browser = """async code => {
        const { written } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
        const found = [];
        for (let point = 0; point < 0x110000; point++)
            if (!written(String.fromCodePoint(point))) found.push(point);
        return found;
    }"""
    found = set(page.evaluate(seen_by_the_browser, Path(WRITTEN).read_text()))
    # What one of them does not know yet is newer than its Unicode tables.
    known = (point for point in range(0x110000) if unicodedata.category(chr(point)) != "Cn")
    assert {point for point in known if blank(chr(point)) != (point in found)} == set()


class Offline:
    """No socket of these pages is let through until `over`."""

    def __init__(self, page: Page) -> None:
        self.over = False
        page.context.route_web_socket(re.compile("/ws/chat/"), self.route)

    def route(self, socket: Any) -> None:
        socket.connect_to_server() if self.over else socket.close()


def offline_chat(page: Page) -> FrameLocator:
    launcher(page).click()
    chat = page.frame_locator("iframe[title]")
    expect(chat.get_by_text("Connecting…")).to_be_visible()
    return chat


@pytest.fixture
def tabs(page: Page) -> Iterator[tuple[Page, Page]]:
    yield page, page.context.new_page()


def test_what_waits_is_sent_in_the_order_of_writing_whatever_the_clocks_say(
    tabs: tuple[Page, Page], site: str
) -> None:
    first, second = tabs
    offline = Offline(first)
    words = [f"{number} {uuid.uuid4()}" for number in ("hello", "hi", "hey", "moin")]
    visit(first, site, "cust_39")
    ask(offline_chat(first), words[0])
    first.frames[-1].evaluate(PUT_BACK, 1)
    ask(first.frame_locator("iframe[title]"), words[1])
    visit(second, site, "cust_39")
    offline_chat(second)
    second.frames[-1].evaluate(PUT_BACK, 5)
    ask(second.frame_locator("iframe[title]"), words[2])
    first.reload()
    chat = offline_chat(first)
    first.frames[-1].evaluate(PUT_BACK, 3)
    ask(chat, words[3])
    offline.over = True
    expect(chat.locator(".message[data-author=customer][data-status=sent]")).to_have_count(4)
    assert [text for text in shown(chat) if text in words] == words
    first.reload()
    assert [text for text in shown(open_chat(first)) if text in words] == words
