"""A customer asks for a return in a real browser, and a CRM on this machine opens it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect
from standardwebhooks import Webhook

from tests.live.conftest import Site, await_that, free_port
from tests.live.test_accessible import Findings
from tests.live.test_widget import ask, open_chat, visit
from tests.live.test_widget import page as page
from tests.live.test_widget import patient as patient

pytestmark = pytest.mark.live
CHOOSE = """
from chatbot.models import Action
from crm.models import Endpoint
for one in Action.objects.all():
    one.endpoints.set(Endpoint.objects.filter(url__endswith="/hook"))
"""
SCRIPT = "<script>window.hacked=1</script>"


class Crm:
    """Keeps what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], str]] = []
        self.answer: dict[str, str] = {}
        self.port = free_port()
        crm = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                crm.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(crm.answer).encode())

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture(scope="module")
def crm() -> Iterator[Crm]:
    made = Crm()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def shop(make_site: Callable[..., Site], crm: Crm) -> Iterator[Site]:
    site = make_site(WEBHOOK_ALLOWED=f"127.0.0.1:{crm.port}").start().until_ready()
    added = site.manage(
        "webhooks", "add-endpoint", crm.url, "--event", "action.requested", "--json"
    )
    site.secret = json.loads(added)["secret"]  # type: ignore[attr-defined]
    site.manage("shell", "-c", CHOOSE)
    yield site
    assert site.end() == 0, site.output


def card(chat: FrameLocator) -> Locator:
    return chat.locator(".request").last


def wish(chat: FrameLocator, text: str) -> Locator:
    before = chat.locator(".request").count()
    ask(chat, text)
    expect(chat.locator(".request")).to_have_count(before + 1)
    return card(chat)


def own_order(page: Page, shop: Site, customer: str) -> str:
    code = f"""
from crm.models import Record
print(*Record.objects.filter(customer="{customer}", kind="order").values_list("id", flat=True))
"""
    return shop.manage("shell", "-c", code).split()[-1]


def test_a_return_is_asked_for_confirmed_sent_once_and_answered(
    page: Page, shop: Site, crm: Crm
) -> None:
    crm.got.clear()
    crm.answer = {"status": "accepted", "message": f"Your return is R-1. {SCRIPT}"}
    order = own_order(page, shop, "cust_1")
    number = order.removeprefix("order:")
    visit(page, shop.url, "cust_1")
    chat = open_chat(page)
    form = wish(chat, f"I would like to return order {number}")
    expect(form.get_by_label("Order")).to_have_value(order)
    theirs = form.get_by_label("Order").locator("option").count() - 1
    assert theirs == int(shop.manage("shell", "-c", COUNT.format("cust_1")).split()[-1])
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
    assert page.frames[-1].evaluate("window.hacked") is None
    ((headers, body),) = crm.got
    event = Webhook(shop.secret).verify(body, headers)  # type: ignore[attr-defined]
    assert event["data"]["action"]["values"] == {
        "order": order,
        "item": "the boots",
        "reason": "Does not fit",
    }
    assert event["data"]["conversation"]["customer"] == "cust_1"
    assert event["data"]["action"]["idempotency_key"] == headers["webhook-id"]
    page.reload()
    chat = open_chat(page)
    expect(card(chat)).to_have_attribute("data-state", "accepted")
    expect(card(chat).get_by_role("button")).to_have_count(0)
    assert len(crm.got) == 1


COUNT = """
from crm.models import Record
print(Record.objects.filter(customer="{}", kind="order", deleted=False).count())
"""


def test_who_does_not_want_it_sends_nothing(page: Page, shop: Site, crm: Crm) -> None:
    crm.got.clear()
    visit(page, shop.url, "cust_2")
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
    page: Page, shop: Site, crm: Crm
) -> None:
    crm.got.clear()
    crm.answer = {}
    source = json.loads(shop.manage("webhooks", "add-source", "erp", "--json"))
    visit(page, shop.url, "cust_3")
    chat = open_chat(page)
    form = wish(chat, "can you call me back please?")
    form.get_by_label("Your telephone number").fill("020 913 2400")
    form.get_by_label("Time of day").select_option("Morning")
    form.get_by_role("button", name="Review").click()
    form.get_by_role("button", name="Confirm").dblclick()  # Too early to have been read,
    page.wait_for_timeout(700)
    assert crm.got == []
    form.get_by_role("button", name="Confirm").click()
    expect(form.get_by_role("status")).to_have_text("Sent. The answer comes here.")
    await_that(lambda: crm.got)
    key = crm.got[0][0]["webhook-id"]
    data = {"idempotency_key": key, "status": "refused", "message": "Nobody is here today."}
    body = json.dumps({"type": "action.completed", "data": data})
    at = datetime.now(UTC)
    headers = {
        "webhook-id": "erp-1",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": Webhook(source["secret"]).sign("erp-1", at, body),
        "content-type": "application/json",
    }
    sent = httpx2.post(f"{shop.url}/webhooks/crm/erp/", content=body, headers=headers)
    assert sent.status_code == 202, sent.text
    expect(form.get_by_role("status")).to_have_text("This could not be done.")
    expect(chat.get_by_role("log")).to_contain_text("this could not be done. Nobody is here today.")
