"""Whatever mallory writes or is called is shown as text, on every page: nothing of it runs, nothing
is fetched for it, and it turns no other text round."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.utils import quote
from playwright.sync_api import BrowserContext, Page, expect

from tests.live.conftest import NewBrowser
from tests.live.shop import Shop, Street, unique
from tests.live.test_console import LIVE, log_in
from tests.live.test_widget import ask, open_chat, visit

pytestmark = pytest.mark.live

EVIL = "http://evil.example"
# Right-to-left override, isolates and marks, and a name with nothing between its letters.
TURNED = "\u202egnp.tnemyap\u202c \u2066\u2069\u200f ad\u200bmin\u2060"
PAYLOADS = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    '"><svg onload=window.hacked=1>',
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<a href='javascript:window.hacked=1'>here</a>",
    "</textarea></title><script>window.hacked = 1</script>",
    "{{ constructor.constructor('window.hacked = 1')() }} ${window.hacked = 1}",
    "' x-init='window.hacked = 1' autofocus onfocus='window.hacked = 1",
    f"<img src='{EVIL}/pixel.png'><link rel=stylesheet href='{EVIL}/a.css'>",
    f"<style>@import '{EVIL}/a.css'; body {{ display: none }}</style>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'><base href='{EVIL}/'>",
    f"![x]({EVIL}/pixel.png) [x](javascript:window.hacked=1)",
    TURNED,
]
MARK = unique("mark")
ALL = " ".join([*PAYLOADS, MARK])
# Of the demo shop, whose page names her; no other test has to do with her.
MALLORY = "cust_60"
NAME = f"Mallory {PAYLOADS[2]}{PAYLOADS[0]}{TURNED}"

PLANT = """
import json
from django.contrib.auth.models import User
from django.utils import timezone
from auditlog.models import LogEntry
from chatbot.conversation import agents, customers, replies
from chatbot.people import audit
from chatbot.models import *
from chatbot.reports import aggregate
from crm.models import *
customer = Customer.objects.get(id=mallory)
was = customer.name
Customer.objects.filter(id=mallory).update(name=name)
now = timezone.now()
record = Record.objects.create(id=f"o:{text[:150]}", kind=text[:60], customer=customer,
    title=text[:480], text=text, fields={text[:80]: text}, updated_at=now)
record.passages.create(position=0, text=text, customer=customer)
visitor, _ = Visitor.objects.get_or_create(inbox=Inbox.objects.get(key=key), customer=customer)
talk = customers.conversation_of(visitor)
_, reply = customers.receive(talk, "1", text, "hostile")
row = {"id": record.id, "title": record.title}
replies.finish(reply, "answered", text, [row], reason=text[:300], model=text[:100], error=text,
    routing={"reason": text}, passages=[row | {"text": text, "score": 0.5}],
    withheld=[{"sentence": text, "missing": [text]}], timings={text: 1.0})
dora = User.objects.get(username=dora)
agents.take_over(talk, dora)
agents.say(talk, dora, "2", text)
agents.note(talk, dora, text)
agents.correct(talk.messages.earliest("seq"), "neutral", dora)
Summary.objects.create(conversation=talk, problem=text, tried=text, question=text)
Conversation.objects.filter(id=talk.id).update(alert=text[:300], alert_weight=9,
    handoff_reason=text[:300], csat=1, csat_comment=text[:500])
CannedAnswer.objects.create(shortcut="evil", text=text)
source = Source.objects.create(name="evil", secrets=[])
InboundEvent.objects.create(source=source, event_id=text[:200], type="x",
    body=json.dumps({"t": text}), state="failed", reason=text[:500])
endpoint = Endpoint.objects.create(url="https://crm.corp", secrets=[], active=False)
delivery = Delivery.objects.create(endpoint=endpoint, event_id="1", type="x", body=text,
    state="failed")
Attempt.objects.create(delivery=delivery, status=500, error=text[:300], answer=text)
entry = LogEntry.objects.log_create(talk, force_log=True, action=2, object_repr=text)
entry.changes = {text[:40]: [text, text]}
entry.save()
aggregate.rebuild()
event = InboundEvent.objects.latest("id").id
result = {"talk": str(talk.id), "event": event, "delivery": delivery.id, "entry": entry.id,
    "was": was}
"""
CLEAN = """
from chatbot.models import CannedAnswer
from crm.models import Customer, Endpoint, Source
Customer.objects.filter(id=mallory).update(name=was)
for one in (CannedAnswer.objects.filter(shortcut="evil"), Source.objects.filter(name="evil"),
    Endpoint.objects.filter(url="https://crm.corp")):
    one.delete()
"""


@pytest.fixture(scope="module")
def shop(street: Street) -> Iterator[Shop]:
    made = Shop(street).open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def planted(shop: Shop) -> Iterator[dict[str, Any]]:
    given = {"key": shop.key, "mallory": MALLORY, "dora": shop.agent("Dora", ["Administrator"])}
    rows = shop.site.run(PLANT, text=ALL, name=NAME[:300], **given)
    yield rows
    shop.site.run(CLEAN, mallory=MALLORY, was=rows["was"])


@pytest.fixture
def context(new_browser: NewBrowser, shop: Shop) -> Iterator[BrowserContext]:
    """A browser that leaves nothing but the site's and the shop's address unmentioned."""
    context = new_browser()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    dialogs: list[str] = []
    context.on("dialog", lambda dialog: dialogs.append(dialog.message))
    yield context
    here = {urlsplit(url).netloc for url in (shop.url, shop.site.url)}
    elsewhere = {url for url in asked if url.startswith("http")}
    assert {url for url in elsewhere if urlsplit(url).netloc not in here} == set()
    assert dialogs == []


# Every text with an override in it must stand alone, or apart: in an element of its own direction,
# or last in its block.
TURNING = """() => {
  const NOT_DRAWN = "script, style, title, textarea, option";
  if (window.hacked) return ["it ran"];
  const apart = (element) => /isolate|plaintext/.test(getComputedStyle(element).unicodeBidi);
  const inline = (element) => getComputedStyle(element).display.startsWith("inline");
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const first = node.parentElement;
    if (!node.data.includes("\\u202e") || first.closest(NOT_DRAWN)) continue;
    let element = first;
    while (element && !apart(element) && inline(element)) element = element.parentElement;
    if (apart(element)) continue;
    const after = document.createRange();
    after.setStartAfter(node);
    after.setEndAfter(element);
    const text = after.toString().trim().slice(0, 60);
    if (text) found.push(`${first.tagName}.${first.className}: ${text}`);
  }
  return found;
}"""


def harmless(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    for frame in page.frames:
        assert frame.evaluate(TURNING) == [], f"{page.url} {frame.url}"
    assert page.locator("iframe[srcdoc], [onerror], [onload], a[href^=javascript]").count() == 0


def shown(page: Page) -> None:
    """The page really has it, as text."""
    expect(page.locator("body")).to_contain_text("<img src=x onerror=")
    harmless(page)


def test_in_the_widget(context: BrowserContext, shop: Shop, planted: dict[str, Any]) -> None:
    page = context.new_page()
    visit(page, shop.url, MALLORY)
    chat = open_chat(page)
    expect(chat.get_by_role("log").locator(".message[data-author=agent]")).to_contain_text("<img")
    chat.locator("button.chip").first.click()
    for payload in PAYLOADS:
        mine = ask(chat, payload)
        expect(mine).to_have_attribute("data-status", "sent")
        assert mine.locator(".text").text_content() == payload.strip()
    harmless(page)
    page.reload()
    open_chat(page)
    harmless(page)


def test_in_the_live_inbox(context: BrowserContext, site: str, planted: dict[str, Any]) -> None:
    page = context.new_page()
    log_in(page, site, "admin")
    page.goto(f"{site}{LIVE}#{planted['talk']}")
    expect(page.locator("#messages li")).not_to_have_count(0)
    for details in page.locator("#messages details").all():
        details.evaluate("one => one.open = true")
    shown(page)
    page.get_by_placeholder("Search messages").fill(f"onerror {MARK}")
    expect(page.locator("#rows button")).to_have_count(1)
    expect(page.locator("#rows .name")).to_contain_text("<img src=x")
    page.locator("#canned").click()
    shown(page)


def test_on_every_page_of_the_admin(
    context: BrowserContext, site: str, planted: dict[str, Any]
) -> None:
    page = context.new_page()
    log_in(page, site, "admin")
    for path in (
        "chatbot/conversation/",
        "chatbot/conversation/?q=onerror",
        f"chatbot/conversation/{planted['talk']}/change/",
        "chatbot/correction/",
        "chatbot/cannedanswer/",
        f"crm/customer/?q={MALLORY}",
        f"crm/customer/{quote(MALLORY)}/change/",
        f"crm/record/?customer={MALLORY}",
        "crm/inboundevent/",
        f"crm/inboundevent/{planted['event']}/change/",
        f"crm/delivery/{planted['delivery']}/change/",
        "auditlog/logentry/",
        f"auditlog/logentry/{planted['entry']}/change/",
        f"chatbot/erasure/of/{MALLORY}/",
        "search/?s=Mallory",
    ):
        page.goto(f"{site}/admin/{path}")
        for details in page.locator("details").all():
            details.evaluate("one => one.open = true")
        if path.startswith("search"):
            harmless(page)
        else:
            shown(page)
    page.goto(f"{site}/admin/crm/record/?customer={MALLORY}")
    page.locator("#result_list th a").first.click()
    shown(page)
    page.goto(f"{site}/admin/chatbot/figure/dashboard/")
    harmless(page)
    page.goto(f"{site}/admin/chatbot/inbox/1/change/")
    with context.expect_page() as opened:
        page.get_by_role("button", name="Show last week under these rules").click()
    harmless(opened.value)
    page.goto(f"{site}/?customer={MALLORY}")
    harmless(page)
