"""Paths that die without a word: alice's phone slept, dora's router forgot."""

import re
import uuid
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.live.conftest import Site, await_that
from tests.live.proxy import Proxy
from tests.live.test_console import LIVE, log_in, the_one_with
from tests.live.test_widget import answered, answers, ask, open_chat, shown, visit

pytestmark = pytest.mark.live

PATIENCE = 90_000  # milliseconds
BACK = "dispatchEvent(new Event('online'))"
BOTH = 2  # sockets of alice: on her phone, and elsewhere
SEEN = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def network(demo_site: Site) -> Iterator[Proxy]:
    expect.set_options(timeout=PATIENCE)
    proxy = Proxy(demo_site.port)
    yield proxy
    proxy.end()


def enter(page: Page, url: str, customer: str) -> FrameLocator:
    page.set_default_timeout(PATIENCE)
    visit(page, url, customer)
    return open_chat(page)


def in_chat(page: Page, script: str) -> None:
    page.frames[-1].evaluate(script)


def sockets(site: Site) -> float:
    with urlopen(f"{site.url}/metrics") as answer:
        found = re.findall(r"^attune_sockets (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[0])


def test_alice_misses_nothing_and_the_server_lets_the_dead_socket_go(
    page: Page, browser: Browser, network: Proxy, demo_site: Site
) -> None:
    # Dead sockets of earlier tests would be counted until they are let go.
    await_that(lambda: sockets(demo_site) == 0)
    chat = enter(page, network.url, "cust_30")
    answered(chat, "hello")
    other = browser.new_context().new_page()
    elsewhere = enter(other, demo_site.url, "cust_30")
    await_that(lambda: sockets(demo_site) == BOTH)
    network.silence()
    answered(elsewhere, "thank you")
    expect(answers(chat)).to_have_count(2)  # nothing but the pulse has noticed
    expect(chat.locator("body")).to_have_attribute("data-connection", "online")
    await_that(lambda: sockets(demo_site) == BOTH)
    other.context.close()


@pytest.mark.parametrize("event", [BACK, SEEN])
def test_she_comes_back_to_the_page_and_it_asks_at_once(
    page: Page, browser: Browser, network: Proxy, demo_site: Site, event: str
) -> None:
    customer = "cust_31" if event == BACK else "cust_32"
    chat = enter(page, network.url, customer)
    other = browser.new_context().new_page()
    elsewhere = enter(other, demo_site.url, customer)
    network.silence()
    answered(elsewhere, "hello")
    in_chat(page, event)
    body = chat.locator("body")
    expect(body).not_to_have_attribute("data-connection", "online")
    expect(chat.get_by_text("Checking the connection…")).to_be_visible()
    expect(body).to_have_attribute("data-connection", "online")
    expect(answers(chat)).to_have_count(1)
    other.context.close()


def test_her_message_goes_out_again_by_itself_and_arrives_once(page: Page, network: Proxy) -> None:
    chat = enter(page, network.url, "cust_33")
    network.silence()
    first, second = (f"hello {uuid.uuid4()}" for _ in range(2))
    ask(chat, first)
    message = ask(chat, second)
    expect(message).to_have_attribute("data-status", "sent")
    expect(chat.locator("[data-status=sending], [data-status=failed]")).to_have_count(0)
    theirs = [words for words in shown(chat) if words in (first, second)]
    assert theirs == [first, second]


def test_her_wish_for_a_person_is_not_lost(page: Page, network: Proxy) -> None:
    chat = enter(page, network.url, "cust_34")
    network.silence()
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.locator("#state-line")).to_contain_text("Waiting")


def test_doras_page_goes_on_and_keeps_her_note(
    page: Page, browser: Browser, network: Proxy, demo_site: Site
) -> None:
    words = f"hello {uuid.uuid4()}"
    other = browser.new_context().new_page()
    customer = enter(other, demo_site.url, "cust_35")
    answered(customer, words)
    page.set_default_timeout(PATIENCE)
    log_in(page, network.url, "agent")
    page.goto(network.url + LIVE)
    the_one_with(page, words).click()
    expect(page.locator("#messages")).to_contain_text(words)
    network.silence()
    page.get_by_label("Note for colleagues").check()
    field = page.locator("#text")
    field.fill("She is a regular.")
    field.press("Enter")
    live = page.locator("#live")
    expect(live).not_to_have_attribute("data-connection", "online")
    expect(field).to_have_value("She is a regular.")
    expect(live).to_have_attribute("data-connection", "online")
    field.press("Enter")
    expect(page.locator("#notes li")).to_contain_text("She is a regular.")
    expect(field).to_have_value("")
    page.get_by_role("button", name="Take over").click()
    expect(field).to_be_enabled()
    network.silence()
    field.fill("I am here.")
    field.press("Enter")
    expect(customer.get_by_role("log")).to_contain_text("I am here.")
    other.context.close()
