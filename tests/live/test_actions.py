"""A customer asks for a return in a real browser, and a CRM on this machine opens it."""

import json
import time
from datetime import UTC, datetime

import httpx2
import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect
from standardwebhooks import Webhook

from tests.live.axe import Findings
from tests.live.conftest import await_that
from tests.live.crm import Crm, Crms
from tests.live.shop import Shop, unique
from tests.live.test_widget import ask, open_chat, visit

pytestmark = pytest.mark.live
SCRIPT = "<script>window.hacked=1</script>"
CONNECT = """
import io, json
from django.core.management import call_command
from chatbot.demo import crm
from chatbot.models import Action, Inbox
told = io.StringIO()
words = ["webhooks", "add-endpoint", url, "--event", "action.requested", "--json"]
call_command(*words, stdout=told)
endpoint = json.loads(told.getvalue())
crm.load(Inbox.objects.get(key=key))
for action in Action.objects.filter(inbox__key=key):
    action.endpoints.set([endpoint["id"]])
result = endpoint["secret"]
"""
# The second half of a double click: before anybody can have read what is asked.
AT_ONCE = """form => {
    const press = (name) =>
        [...form.querySelectorAll("button")].find((one) => one.textContent.trim() === name).click();
    press("Review");
    press("Confirm");
}"""


@pytest.fixture
def crm(crms: Crms) -> Crm:
    return crms.new()


@pytest.fixture
def secret(shop: Shop, crm: Crm) -> str:
    """Of the shop's endpoint at the CRM, which is asked to carry out its actions."""
    return str(shop.site.run(CONNECT, key=shop.key, url=crm.url))


def card(chat: FrameLocator) -> Locator:
    return chat.locator(".request").last


def wish(chat: FrameLocator, text: str) -> Locator:
    before = chat.locator(".request").count()
    ask(chat, text)
    expect(chat.locator(".request")).to_have_count(before + 1)
    return card(chat)


def test_a_return_is_asked_for_confirmed_sent_once_and_answered(
    page: Page, shop: Shop, crm: Crm, secret: str
) -> None:
    crm.answer = {"status": "accepted", "message": f"Your return is R-1. {SCRIPT}"}
    alice = shop.customer()
    shop.record(alice, "order")
    number = shop.record(alice, "order")
    order = f"order:{number}"
    visit(page, shop.url, alice)
    chat = open_chat(page)
    form = wish(chat, f"I would like to return order {number}")
    expect(form.get_by_label("Order")).to_have_value(order)
    expect(form.get_by_label("Order").locator("option")).to_have_count(1 + 2)
    form.get_by_label("Reason").select_option("Does not fit")
    form.get_by_label("Which item?").fill("the boots")
    form.get_by_label("Which item?").press("Enter")
    expect(form.get_by_text("Is this right? Nothing has been sent yet.")).to_be_focused()
    expect(form.get_by_role("definition")).to_contain_text([number, "the boots", "Does not fit"])
    found = Findings()
    found.look(page, "the form of an action")
    found.assert_none()
    assert crm.got == []
    page.wait_for_timeout(700)  # Nobody has read it sooner.
    page.keyboard.press("Tab")
    expect(form.get_by_role("button", name="Confirm")).to_be_focused()
    page.keyboard.press("Enter")
    expect(form.get_by_role("status")).to_have_text("Accepted.")
    expect(chat.get_by_role("log")).to_contain_text(f"accepted. Your return is R-1. {SCRIPT}")
    expect(form.get_by_role("heading")).to_be_focused()
    assert all(frame.evaluate("window.hacked") is None for frame in page.frames)
    ((headers, body),) = crm.got
    event = Webhook(secret).verify(body, headers)
    assert event["data"]["action"]["values"] == {
        "order": order,
        "item": "the boots",
        "reason": "Does not fit",
    }
    assert event["data"]["conversation"]["customer"] == alice
    assert event["data"]["action"]["idempotency_key"] == headers["webhook-id"]
    page.reload()
    chat = open_chat(page)
    expect(card(chat)).to_have_attribute("data-state", "accepted")
    expect(card(chat).get_by_role("button")).to_have_count(0)
    assert len(crm.got) == 1


def test_who_does_not_want_it_sends_nothing(page: Page, shop: Shop, crm: Crm, secret: str) -> None:
    visit(page, shop.url, shop.customer())
    chat = open_chat(page)
    form = wish(chat, "Please call me back")
    form.get_by_role("button", name="Review").click()
    expect(form.get_by_text("Is this right?")).to_be_hidden()  # The browser asks for the number.
    form.get_by_label("Your telephone number").fill("+44 7700 900315")
    form.get_by_label("Time of day").select_option("Evening")
    form.get_by_role("button", name="Review").click()
    form.get_by_role("button", name="Change").click()
    expect(form.get_by_label("Your telephone number")).to_be_focused()
    expect(form.get_by_label("Time of day")).to_have_value("Evening")
    form.get_by_role("button", name="Not now").click()
    expect(form).to_have_attribute("data-state", "dismissed")
    assert crm.got == []


def test_a_crm_that_answers_later_does_so_with_an_event_of_its_own(
    page: Page, shop: Shop, crm: Crm, secret: str
) -> None:
    erp, event_id = unique("erp"), unique("event")
    source = json.loads(shop.site.manage("webhooks", "add-source", erp, "--json"))
    visit(page, shop.url, shop.customer())
    chat = open_chat(page)
    form = wish(chat, "can you call me back please?")
    form.get_by_label("Your telephone number").fill("020 913 2400")
    form.get_by_label("Time of day").select_option("Morning")
    form.evaluate(AT_ONCE)
    page.wait_for_timeout(700)  # Nobody has read it sooner.
    assert crm.got == []
    form.get_by_role("button", name="Confirm").click()
    expect(form.get_by_role("status")).to_have_text("Sent. The answer will appear here.")
    await_that(lambda: crm.got)
    key = crm.got[0][0]["webhook-id"]
    data = {"idempotency_key": key, "status": "refused", "message": "Nobody is here today."}
    body = json.dumps({"type": "action.completed", "data": data})
    at = datetime.now(UTC)
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": Webhook(source["secret"]).sign(event_id, at, body),
        "content-type": "application/json",
    }
    sent = httpx2.post(f"{shop.site.url}/webhooks/crm/{erp}/", content=body, headers=headers)
    assert sent.status_code == 202, sent.text
    expect(form.get_by_role("status")).to_have_text("This could not be done.")
    expect(chat.get_by_role("log")).to_contain_text("this could not be done. Nobody is here today.")
