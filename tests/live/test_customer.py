"""The customer's side beside the answers: thumbs, a person, the line, a rating, a copy.

Small talk is answered without the model, so nothing here waits for one.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.live.conftest import NewBrowser, await_that
from tests.live.mailbox import Mailbox
from tests.live.shop import Shop, unique
from tests.live.test_console import LIVE, online
from tests.live.test_widget import answered, answers, ask, open_chat, visit

pytestmark = pytest.mark.live

NARROW, WIDE = {"width": 320, "height": 568}, {"width": 1280, "height": 800}
THUMBS = """
from chatbot.models import Message
found = Message.objects.filter(conversation__visitor__customer=customer).exclude(feedback=None)
result = list(found.values_list("feedback", flat=True))
"""
RATING = """
from chatbot.models import Conversation
found = Conversation.objects.filter(visitor__customer=customer)
result = list(found.values_list("csat", "csat_comment"))
"""
PLACES = {1: "Waiting in the queue: you are next", 2: "Waiting in the queue: 1 person before you"}
Enter = Callable[..., FrameLocator]


@pytest.fixture
def enter(shop: Shop, new_browser: NewBrowser) -> Enter:
    """The chat of a customer, each in a browser of their own; of a new one where none is named."""

    def chat_of(customer: str = "", **options: object) -> FrameLocator:
        page = new_browser(**options).new_page()
        visit(page, shop.url, customer or shop.customer())
        return open_chat(page)

    return chat_of


def page_of(chat: FrameLocator) -> Page:
    return chat.owner.page


def test_a_thumb_is_kept_and_can_be_turned(enter: Enter, shop: Shop) -> None:
    alice = shop.customer()
    chat = enter(alice)
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
    assert shop.site.run(THUMBS, customer=alice) == [-1]


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_a_person_can_be_asked_for_whatever_has_been_said(
    enter: Enter, size: dict[str, int]
) -> None:
    chat = enter(viewport=size)
    button = chat.get_by_role("button", name="Talk to a person")
    expect(button).to_be_in_viewport(ratio=1)
    for _ in range(6):
        expect(ask(chat, "hello")).to_have_attribute("data-status", "sent")
        expect(button).to_be_in_viewport(ratio=1)
    expect(button).to_be_enabled()
    button.focus()
    page_of(chat).keyboard.press("Enter")
    expect(chat.locator("#state-line")).to_contain_text("Waiting")
    expect(button).to_be_hidden()


@pytest.fixture
def somebody_is_there(shop: Shop, new_browser: NewBrowser) -> None:
    """Robin of this shop has the live inbox open."""
    context = new_browser()
    context.add_cookies([shop.session(shop.agent("Robin"))])
    page = context.new_page()
    page.goto(shop.site.url + LIVE)
    online(page)


def test_who_waits_is_told_their_place_and_moves_up(
    somebody_is_there: None, enter: Enter, shop: Shop
) -> None:
    alice, bob = shop.customer(), shop.customer()
    first, second = enter(alice), enter(bob)
    for number, chat in enumerate((first, second), 1):
        expect(ask(chat, "hello")).to_have_attribute("data-status", "sent")
        chat.get_by_role("button", name="Talk to a person").click()
        expect(chat.locator("#state-line")).to_contain_text(PLACES[number])
    expect(first.locator("#state-line")).to_contain_text(PLACES[1])
    shop.resolve(alice)
    expect(second.locator("#state-line")).to_contain_text(PLACES[1])


def test_at_the_end_the_customer_rates_by_keyboard_and_keeps_a_copy(
    enter: Enter, shop: Shop, mailbox: Mailbox
) -> None:
    alice, address = shop.customer(), f"{unique('alice')}@example.com"
    chat = enter(alice, accept_downloads=True)
    words = "hello, and good morning"
    answer = answered(chat, words).locator(".text").inner_text()
    shop.resolve(alice)
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
    await_that(lambda: shop.site.run(RATING, customer=alice) == [[4, "a bit slow"]])
    with page.expect_download() as download:
        chat.get_by_role("button", name="Save this conversation").click()
    text = download.value.path().read_text()
    assert f"You: {words}" in text
    assert f"Assistant: {answer}" in text
    chat.get_by_role("button", name="E-mail it to me").click()
    expect(chat.get_by_role("textbox", name="Your e-mail address", exact=True)).to_be_focused()
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    expect(chat.locator("#rated")).to_contain_text("We have sent you a link.")
    await_that(lambda: mailbox.to(address))
    [asked] = mailbox.to(address)
    assert words not in asked
    link = re.search(r"http\S+/confirm-mail/\S+", asked)
    assert link
    tab = page.context.new_page()
    tab.goto(link[0])
    tab.get_by_role("button", name="Yes, this is my address").click()
    expect(tab.get_by_role("heading")).to_have_text("Thank you")
    tab.close()
    await_that(lambda: mailbox.to(address)[1:])
    assert words in mailbox.to(address)[1]
    chat.get_by_role("button", name="Start a new conversation").click()
    expect(chat.get_by_label("Your message")).to_be_focused()
    expect(chat.get_by_role("button", name="Talk to a person")).to_be_visible()
