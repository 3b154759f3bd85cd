"""The widget on the demo shop's page and on other shops', in a real browser against a running site.

Nothing here depends on the model's wording.
"""

import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.live.conftest import NewBrowser
from tests.live.shop import Shop

pytestmark = pytest.mark.live

PHONE = {"width": 390, "height": 780}


def launcher(page: Page) -> Locator:
    return page.locator("button[aria-expanded][aria-label*=chat i]").first


def visit(page: Page, site: str, customer: str = "cust_1") -> None:
    page.goto(f"{site}/?customer={customer}")
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")


def open_chat(page: Page) -> FrameLocator:
    """The chat, online, with all that was said before."""
    launcher(page).focus()
    page.keyboard.press("Enter")
    chat = page.frame_locator("iframe[title]")
    expect(chat.locator("body")).to_have_attribute("data-connection", "online")
    # Silent from the welcome until the last message of the history is there.
    expect(chat.get_by_role("log")).to_have_attribute("aria-live", "polite")
    return chat


def ask(chat: FrameLocator, text: str) -> Locator:
    """The customer's new message."""
    field = chat.get_by_label("Your message")
    field.fill(text)
    field.press("Enter")
    return chat.locator(".message[data-author=customer]").last


def answers(chat: FrameLocator) -> Locator:
    """Answers with a time: the greeting has none."""
    return chat.get_by_role("log").locator(".message[data-author=bot]:has(time)")


def answered(chat: FrameLocator, text: str) -> Locator:
    before = answers(chat).count()
    expect(ask(chat, text)).to_have_attribute("data-status", "sent")
    expect(answers(chat)).to_have_count(before + 1)
    return answers(chat).last


def shown(chat: FrameLocator) -> list[str]:
    return chat.get_by_role("log").locator(".message > .text").all_text_contents()


def test_a_customer_opens_the_chat_by_keyboard_and_can_write_at_once(page: Page, site: str) -> None:
    visit(page, site)
    chat = open_chat(page)
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")
    expect(chat.get_by_label("Your message")).to_be_focused()
    expect(chat.get_by_role("log")).to_have_attribute("aria-label", "Messages")


def test_a_question_is_sent_and_answered_with_its_sources(page: Page, site: str) -> None:
    visit(page, site)
    chat = open_chat(page)
    # The page suggests what this customer's own records answer.
    question = page.locator("[data-ask]").first.get_attribute("data-ask")
    answer = answered(chat, question or "")
    expect(answer.locator(".text")).not_to_be_empty()
    chip = answer.locator("button.chip").first
    expect(chip).to_have_attribute("aria-expanded", "false")
    chip.click()
    expect(chip).to_have_attribute("aria-expanded", "true")
    expect(answer.locator("code").first).to_have_text(re.compile(r"\w+:\w+"))
    expect(chat.locator("#provisional")).to_be_hidden()


def test_a_message_is_sending_until_the_server_has_it(page: Page, shop: Shop) -> None:
    held: list[Any] = []

    def hold_back(socket: Any) -> None:
        server = socket.connect_to_server()
        socket.on_message(
            lambda text: held.append(text) if '"message"' in text else server.send(text)
        )
        held.append(server)

    page.route_web_socket(re.compile("/ws/chat/"), hold_back)
    visit(page, shop.url, shop.customer())
    message = ask(open_chat(page), "Hello there")
    expect(message).to_have_attribute("data-status", "sending")
    server, frame = held
    server.send(frame)
    expect(message).to_have_attribute("data-status", "sent")


def test_a_reload_shows_the_same_conversation_once(page: Page, shop: Shop) -> None:
    visit(page, shop.url, shop.customer())
    chat = open_chat(page)
    words = f"Do you sell tents? {uuid.uuid4()}"
    answered(chat, words)
    before = shown(chat)
    page.reload()
    chat = open_chat(page)
    expect(chat.get_by_role("log").locator(".message")).to_have_count(len(before))
    assert shown(chat) == before
    assert before.count(words) == 1


def test_a_message_written_without_connection_is_sent_once_when_it_is_back(
    page: Page, shop: Shop
) -> None:
    visit(page, shop.url, shop.customer())
    chat = open_chat(page)
    page.context.set_offline(True)
    expect(chat.get_by_text("Reconnecting…")).to_be_visible()
    words = f"Written in a tunnel {uuid.uuid4()}"
    message = ask(chat, words)
    expect(message).to_have_attribute("data-status", "sending")
    page.context.set_offline(False)
    expect(message).to_have_attribute("data-status", "sent")
    assert shown(chat).count(words) == 1


def test_escape_closes_the_chat_and_gives_the_focus_back(page: Page, site: str) -> None:
    visit(page, site)
    open_chat(page)
    page.keyboard.press("Escape")
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    expect(page.locator("iframe")).to_be_hidden()
    expect(launcher(page)).to_be_focused()


def test_markup_from_a_customer_is_text(page: Page, shop: Shop) -> None:
    visit(page, shop.url, shop.customer())
    chat = open_chat(page)
    words = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    expect(ask(chat, words).locator(".text")).to_have_text(words)
    expect(chat.get_by_role("log").locator("img, script")).to_have_count(0)
    assert all(frame.evaluate("window.hacked") is None for frame in page.frames)


WRITES = """
from django.contrib.auth.models import User
from chatbot.conversation import agents, customers
from chatbot.models import Conversation
talk = Conversation.objects.filter(visitor__customer=customer).latest("last_message_at")
agents.take_over(talk, User.objects.get(username=dora))
agents.say(talk, User.objects.get(username=dora), "rich", text)
"""
RICH = """See https://shop.example/returns?a=1. **Two** ways:
- call +44 20 7946 0958
- write to help@shop.example, and name order 10482."""


def test_what_an_agent_writes_can_be_clicked(page: Page, shop: Shop) -> None:
    customer = shop.customer()
    visit(page, shop.url, customer)
    chat = open_chat(page)
    expect(ask(chat, "thank you")).to_have_attribute("data-status", "sent")
    shop.site.run(WRITES, customer=customer, dora=shop.agent("Dora"), text=RICH)
    message = chat.locator(".message[data-author=agent] .text")
    links = message.locator("a")
    expect(links).to_have_text(
        ["https://shop.example/returns?a=1", "+44 20 7946 0958", "help@shop.example"]
    )
    expect(links.nth(1)).to_have_attribute("href", "tel:+442079460958")
    expect(links.nth(2)).to_have_attribute("href", "mailto:help@shop.example")
    expect(message.locator("strong")).to_have_text("Two")
    expect(message.locator("li")).to_have_count(2)


def test_a_source_opens_the_line_that_was_told(page: Page, shop: Shop) -> None:
    customer = shop.customer()
    shop.record(customer, "order", status="in transit", ordered="2026-11-20")
    visit(page, shop.url, customer)
    chat = open_chat(page)
    answer = answered(chat, "What is the status of my last order?")
    answer.locator("button.chip").first.click()
    expect(answer.locator("blockquote mark").first).to_have_text("Status: in transit")


def test_an_answer_is_given_by_a_click_once(page: Page, shop: Shop) -> None:
    customer = shop.customer()
    for day in ("2026-11-20", "2026-11-02"):
        shop.record(customer, "order", status="in transit", ordered=day)
    visit(page, shop.url, customer)
    chat = open_chat(page)
    choice = answered(chat, "What is the status of my last order?").locator("button.choice")
    name = choice.inner_text()
    choice.click()
    mine = chat.locator(".message[data-author=customer]").last
    expect(mine.locator(".text")).to_have_text(name)
    expect(chat.locator("button.choice:visible")).to_have_count(0)


def test_the_customer_reaches_a_person(page: Page, shop: Shop) -> None:
    visit(page, shop.url, shop.customer())
    chat = open_chat(page)
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.locator("#state-line")).to_contain_text("Waiting")


def test_a_suggestion_lies_ready_in_the_composer(page: Page, site: str) -> None:
    visit(page, site)
    suggestion = page.locator("[data-ask]").first
    words = suggestion.get_attribute("data-ask")
    suggestion.click()
    field = page.frame_locator("iframe[title]").get_by_label("Your message")
    expect(field).to_have_value(words or "")
    expect(field).to_be_focused()


def test_on_a_phone_the_chat_covers_the_screen(new_browser: NewBrowser, site: str) -> None:
    page = new_browser(viewport=PHONE, is_mobile=True, has_touch=True).new_page()
    visit(page, site)
    chat = open_chat(page)
    expect(page.locator("iframe")).to_have_js_property("clientWidth", PHONE["width"])
    expect(page.locator("iframe")).to_have_js_property("clientHeight", PHONE["height"])
    expect(chat.get_by_label("Your message")).to_have_css("font-size", "16px")
    chat.get_by_role("button", name="Close chat").click()
    expect(launcher(page)).to_be_visible()


def test_the_admin_and_the_apis_page_keep_to_their_policies(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/login/")
    page.get_by_label("Username").fill("admin")
    page.locator("input[name=password]").fill("attune-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/admin/")
    for path in ("chatbot/conversation/", "chatbot/tier/add/", "crm/record/", "chatbot/inbox/"):
        page.goto(f"{site}/admin/{path}")
        expect(page.locator("#content, main").first).to_be_visible()
    page.goto(f"{site}/api/docs")
    expect(page.get_by_text("/api/inboxes/{inbox}/session/").first).to_be_visible()
