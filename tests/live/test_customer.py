"""The customer's side beside the answers: thumbs, a person, the line, a rating, a copy.

Small talk is answered without the model, so nothing here waits for one.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.live.conftest import Site, await_that
from tests.live.mailbox import Mailbox
from tests.live.test_console import LIVE, log_in
from tests.live.test_widget import PATIENCE, answered, answers, ask, open_chat, visit

pytestmark = pytest.mark.live

NARROW = {"width": 320, "height": 568}
Enter = Callable[..., FrameLocator]


@pytest.fixture
def enter(browser: Browser, site: str) -> Iterator[Enter]:
    """The chat of a customer, each in a browser of their own."""
    expect.set_options(timeout=PATIENCE)
    opened = []

    def chat_of(customer: str, **options: object) -> FrameLocator:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        page = context.new_page()
        visit(page, site, customer)
        return open_chat(page)

    yield chat_of
    for context in opened:
        context.close()


def page_of(chat: FrameLocator) -> Page:
    return chat.owner.page


def resolved_by_an_agent(site: Site, customer: str) -> None:
    program = f"""
from django.contrib.auth.models import User
from chatbot import agents
from chatbot.models import Conversation
agent = User.objects.get(username="agent")
open = Conversation.objects.exclude(state="closed")
agents.resolve(open.get(visitor__customer={customer!r}), agent)
"""
    site.manage("shell", "-c", program)


def test_a_thumb_is_kept_and_can_be_turned(enter: Enter, demo_site: Site) -> None:
    chat = enter("cust_21")
    group = answered(chat, "Hello!").get_by_role("group", name="Was this helpful?")
    up = group.get_by_role("button", name="Helpful", exact=True)
    down = group.get_by_role("button", name="Not helpful", exact=True)
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    down.click()
    expect(up).to_have_attribute("aria-pressed", "false")
    expect(down).to_have_attribute("aria-pressed", "true")
    page = page_of(chat)
    page.reload()
    again = answers(open_chat(page)).last.get_by_role("button", name="Not helpful")
    expect(again).to_have_attribute("aria-pressed", "true")
    kept = demo_site.manage(
        "shell", "-c", "from chatbot.models import *; print(Message.objects.exclude(feedback=None)."
        "filter(conversation__visitor__customer='cust_21').values_list('feedback', flat=True))",
    )  # fmt: skip
    assert "[-1]" in kept


@pytest.mark.parametrize("size", [NARROW, {"width": 1280, "height": 800}])
def test_a_person_can_be_asked_for_whatever_has_been_said(
    enter: Enter, size: dict[str, int]
) -> None:
    chat = enter(f"cust_{22 if size is NARROW else 23}", viewport=size)
    button = chat.get_by_role("button", name="Talk to a person")
    expect(button).to_be_in_viewport(ratio=1)
    for number in range(6):
        expect(ask(chat, f"hello {number}")).to_have_attribute("data-status", "sent")
        expect(button).to_be_in_viewport(ratio=1)
    expect(button).to_be_enabled()
    button.focus()
    page_of(chat).keyboard.press("Enter")
    expect(chat.locator("#state-line")).to_contain_text("Waiting for a colleague")
    expect(button).to_be_hidden()


def place(chat: FrameLocator) -> int:
    line = chat.locator("#state-line")
    expect(line).to_contain_text(re.compile(r"you are (next|number \d+)"))
    found = re.search(r"number (\d+)", line.inner_text())
    return int(found[1]) if found else 1


@pytest.fixture
def somebody_is_there(browser: Browser, site: str) -> Iterator[None]:
    """Robin has the live inbox open."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    log_in(page, site, "agent")
    page.goto(site + LIVE)
    expect(page.locator("#live")).to_have_attribute("data-connection", "online")
    yield
    context.close()


def test_who_waits_is_told_their_place_and_moves_up(
    somebody_is_there: None, enter: Enter, demo_site: Site
) -> None:
    first, second = (enter(customer) for customer in ("cust_24", "cust_25"))
    for chat in (first, second):
        expect(ask(chat, "hello")).to_have_attribute("data-status", "sent")
        chat.get_by_role("button", name="Talk to a person").click()
        ahead = place(chat)
    assert place(first) == ahead - 1
    resolved_by_an_agent(demo_site, "cust_24")
    words = "you are next" if ahead == 2 else f"you are number {ahead - 1} in line"
    expect(second.locator("#state-line")).to_contain_text(words)
    resolved_by_an_agent(demo_site, "cust_25")


def test_at_the_end_the_customer_rates_by_keyboard_and_keeps_a_copy(
    enter: Enter, demo_site: Site, mailbox: Mailbox
) -> None:
    chat = enter("cust_26", accept_downloads=True)
    words = "hello, and good morning"
    answer = answered(chat, words).locator(".text").inner_text()
    resolved_by_an_agent(demo_site, "cust_26")
    expect(chat.get_by_text("How was it?")).to_be_visible()
    page = page_of(chat)
    chat.get_by_label("Fair").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(chat.get_by_label("Good")).to_be_checked()
    expect(chat.locator("#rated")).to_have_text("Thank you for telling us.")
    chat.get_by_placeholder("Anything to add?").fill("a bit slow")
    page.keyboard.press("Enter")
    expect(chat.locator("#rating-more")).to_be_hidden()
    kept = demo_site.manage(
        "shell", "-c", "from chatbot.models import *; print(Conversation.objects.filter("
        "visitor__customer='cust_26').values_list('csat', 'csat_comment'))",
    )  # fmt: skip
    assert "(4, 'a bit slow')" in kept
    with page.expect_download() as download:
        chat.get_by_role("button", name="Save this conversation").click()
    text = download.value.path().read_text()
    assert f"You: {words}" in text
    assert f"Assistant: {answer}" in text
    chat.get_by_role("button", name="E-mail it to me").click()
    expect(chat.get_by_role("textbox", name="Your e-mail address", exact=True)).to_be_focused()
    page.keyboard.type("alice@example.com")
    page.keyboard.press("Enter")
    expect(chat.locator("#rated")).to_contain_text("We have sent you a link.")
    await_that(lambda: mailbox.to("alice@example.com"))
    [asked] = mailbox.to("alice@example.com")
    assert words not in asked
    link = re.search(r"http\S+/confirm-mail/\S+", asked)
    assert link
    tab = page.context.new_page()
    tab.goto(link[0])
    tab.get_by_role("button", name="Yes, send it").click()
    expect(tab.get_by_role("heading")).to_have_text("Thank you")
    tab.close()
    await_that(lambda: mailbox.to("alice@example.com")[1:])
    assert words in mailbox.to("alice@example.com")[1]
    chat.get_by_role("button", name="Start a new conversation").click()
    expect(chat.get_by_label("Your message")).to_be_focused()
    expect(chat.get_by_role("button", name="Talk to a person")).to_be_visible()
