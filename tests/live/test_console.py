"""The agents' live inbox in a real browser: whole journeys of alice, who writes, and of agents.

Nothing here depends on the model's wording.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.chatbot.attachments.files import PDF
from tests.live.conftest import Site
from tests.live.test_attachments import BOOTS, OFFER, drawn, tray, uploaded
from tests.live.test_widget import PATIENCE, ask, open_chat, visit

pytestmark = pytest.mark.live

LIVE = "/admin/chatbot/conversation/live/"
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ANGRY = "This is terrible. Nobody helps me and I am really angry!"
AsAgent = Callable[[str], Page]


@pytest.fixture(autouse=True)
def patient() -> None:
    expect.set_options(timeout=PATIENCE)


@pytest.fixture
def contexts(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Browsers of several people at once, none of whose scripts may fail."""
    opened: list[BrowserContext] = []
    failures: list[str] = []

    def another() -> BrowserContext:
        opened.append(browser.new_context(viewport=DESKTOP))
        opened[-1].set_default_timeout(PATIENCE)
        opened[-1].on("weberror", lambda one: failures.append(str(one.error)))
        return opened[-1]

    yield another
    for context in opened:
        context.close()
    assert failures == []


@pytest.fixture
def as_agent(site: str, contexts: Callable[[], BrowserContext]) -> AsAgent:
    """The live inbox, as somebody whose password is the demo's."""

    def enter(name: str) -> Page:
        page = contexts().new_page()
        log_in(page, site, name)
        page.goto(site + LIVE)
        return page

    return enter


@pytest.fixture
def customer(site: str, contexts: Callable[[], BrowserContext]) -> Callable[[str], Page]:
    def enter(customer: str) -> Page:
        page = contexts().new_page()
        visit(page, site, customer)
        return page

    return enter


@pytest.fixture(scope="module")
def colleagues(demo_site: Site) -> None:
    """Dora answers customers, Fred may only look, Charlie has no rights."""
    program = """
from django.contrib.auth.models import Permission, User
rights = {
    "dora": ["view_conversation", "change_conversation", "add_correction", "view_record"],
    "fred": ["view_conversation"],
    "charlie": [],
}
for name, codes in rights.items():
    user = User.objects.create_user(name, password="attune-demo", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
from chatbot.models import CannedAnswer, Inbox
text = "I am sorry, {customer}. {agent} looks into it."
CannedAnswer.objects.get_or_create(shortcut="sorry", defaults={"text": text})
Inbox.objects.update(learning=True)
"""
    demo_site.manage("shell", "-c", program)


def log_in(page: Page, site: str, name: str) -> None:
    page.goto(f"{site}/admin/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", "attune-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/admin/")


def the_one_with(page: Page, words: str) -> Locator:
    """The conversation in which these words were said."""
    expect(page.locator("#live")).to_have_attribute("data-connection", "online")
    page.get_by_placeholder("Search what was said").fill(words)
    expect(page.locator("#rows button")).to_have_count(1)
    return page.locator("#rows button")


def test_an_angry_customer_is_seen_taken_over_and_helped(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    dora = as_agent("dora")
    expect(dora.locator("#live")).to_have_attribute("data-connection", "online")
    chat = open_chat(customer("cust_1"))
    for number in range(3):
        expect(ask(chat, f"{ANGRY} ({number})")).to_have_attribute("data-status", "sent")
    row = dora.locator("#rows button.alerted").first
    expect(row).to_contain_text(ANGRY[:20])
    expect(dora).to_have_title("(1) Live inbox | Attune")
    row.click()
    expect(dora.locator("#chart circle")).to_have_count(3)
    expect(dora.locator("#orders a").first).to_be_visible()
    dora.get_by_role("button", name="Take over").click()
    expect(chat.get_by_role("log")).to_contain_text("dora from our team is with you now.")
    field = dora.get_by_placeholder("Write to the customer")
    field.fill("/sorry")
    field.press("Enter")
    expect(field).to_have_value("I am sorry, Aoife Brennan. dora looks into it.")
    field.press("Enter")
    said = chat.get_by_role("log").locator(".message[data-author=agent]").last
    expect(said).to_contain_text("dora looks into it.")
    expect(dora.locator("#messages .from-agent").last).to_contain_text("dora looks into it.")
    expect(ask(chat, "thank you, that helps")).to_have_attribute("data-status", "sent")
    expect(dora.locator("#messages .from-customer").last).to_contain_text("that helps")
    dora.get_by_role("button", name="Resolve").click()
    expect(chat.get_by_role("log")).to_contain_text("closed by dora")
    expect(dora.locator("#standing")).to_contain_text("Closed")
    chat.get_by_text("Great").click()
    expect(chat.locator("#rated")).to_have_text("Thank you for telling us.")
    dora.reload()
    expect(dora.locator("#customer")).to_contain_text("was satisfied 5 of 5")


def test_two_agents_race_for_one_conversation_and_one_has_it(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    chat = open_chat(customer("cust_2"))
    expect(ask(chat, "a person please, for the race")).to_have_attribute("data-status", "sent")
    pages = [as_agent("dora"), as_agent("agent")]
    for page in pages:
        the_one_with(page, "for race").click()
        expect(page.get_by_role("button", name="Take over")).to_be_visible()
    for page in pages:
        page.get_by_role("button", name="Take over").dispatch_event("click")
    for page in pages:
        expect(page.locator("#standing")).to_contain_text("With")
    standing = [page.locator("#standing").inner_text() for page in pages]
    assert sum("With you" in text for text in standing) == 1
    assert chat.get_by_role("log").get_by_text("is with you now.").count() == 1


def test_a_correction_changes_the_export(
    colleagues: None,
    as_agent: AsAgent,
    customer: Callable[[str], Page],
    demo_site: Site,
    tmp_path: Path,
) -> None:
    words = "well that is just great, it broke on the first day"
    chat = open_chat(customer("cust_3"))
    expect(ask(chat, words)).to_have_attribute("data-status", "sent")
    dora = as_agent("dora")
    the_one_with(dora, "broke first day").click()
    entry = dora.locator("#messages .from-customer").filter(has_text=words)
    entry.get_by_role("button", name="negative").click()
    expect(entry).to_contain_text("corrected to negative")
    expect(entry.get_by_role("button", name="negative")).to_have_attribute("aria-pressed", "true")
    file = tmp_path / "corrections.jsonl"
    demo_site.manage("sentiment_train", "--export", str(file))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["label"] for row in rows if "broke on the first day" in row["text"]] == ["negative"]


def test_search_finds_what_was_said_and_the_keyboard_opens_it(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    chat = open_chat(customer("cust_4"))
    expect(ask(chat, "do you sell a zanzibar kettle?")).to_have_attribute("data-status", "sent")
    dora = as_agent("dora")
    expect(dora.locator("#rows button").first).to_be_visible()
    dora.keyboard.press("/")
    dora.keyboard.type("kettle zanzibar")
    expect(dora.locator("#rows button")).to_have_count(1)
    dora.keyboard.press("Escape")
    dora.keyboard.press("j")
    dora.keyboard.press("Enter")
    expect(dora.locator("#messages")).to_contain_text("zanzibar")
    dora.keyboard.press("?")
    expect(dora.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_view_that_dora_saved_is_there_on_another_machine(
    as_agent: AsAgent, colleagues: None
) -> None:
    dora, elsewhere = as_agent("dora"), as_agent("dora")
    dora.locator("#filters [data-view=waiting]").click()
    dora.locator("#filters [name=mood]").select_option("upset")
    dora.get_by_role("button", name="Save view").click()
    dora.get_by_label("Name of this view").fill("Upset and waiting")
    dora.get_by_role("button", name="Save", exact=True).click()
    expect(dora.locator("#saved-views option", has_text="Upset and waiting")).to_have_count(2)
    elsewhere.reload()
    elsewhere.locator("#saved-views").select_option("show:0")
    expect(elsewhere.locator("#filters [name=mood]")).to_have_value("upset")
    waiting = elsewhere.locator("#filters [data-view=waiting]")
    expect(waiting).to_have_attribute("aria-pressed", "true")
    elsewhere.locator("#saved-views").select_option("drop:0")
    expect(elsewhere.locator("#saved-views")).to_be_hidden()


def test_an_alert_is_counted_whatever_the_list_shows(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    dora = as_agent("dora")
    expect(dora.locator("#live")).to_have_attribute("data-connection", "online")
    dora.get_by_role("button", name="Closed").click()
    before = dora.title()
    chat = open_chat(customer("cust_7"))
    for number in range(3):
        expect(ask(chat, f"{ANGRY} ({number})")).to_have_attribute("data-status", "sent")
    dora.wait_for_function("before => document.title !== before", arg=before)


def test_on_a_phone_the_customer_is_one_tap_away(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    chat = open_chat(customer("cust_8"))
    expect(ask(chat, "hello from the eighth")).to_have_attribute("data-status", "sent")
    dora = as_agent("dora")
    the_one_with(dora, "hello eighth").click()
    dora.set_viewport_size(PHONE)
    expect(dora.locator("#customer")).to_be_hidden()
    dora.get_by_role("button", name="Customer", exact=True).click()
    expect(dora.locator("#chart circle")).to_be_visible()
    dora.get_by_role("button", name="Back to the conversation").click()
    expect(dora.locator("#customer")).to_be_hidden()
    expect(dora.locator("#messages")).to_be_visible()


def test_fred_may_look_and_charlie_may_not(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    chat = open_chat(customer("cust_5"))
    expect(ask(chat, "hello from the fifth")).to_have_attribute("data-status", "sent")
    fred = as_agent("fred")
    the_one_with(fred, "hello fifth").click()
    expect(fred.locator("#messages li").first).to_be_visible()
    for name in ("Take over", "Resolve", "Send", "Suggest an answer"):
        expect(fred.get_by_role("button", name=name, exact=True)).to_be_hidden()
    expect(fred.locator("#messages").get_by_role("button", name="negative")).to_have_count(0)
    charlie = as_agent("charlie")
    expect(charlie.locator("body")).to_contain_text("403")


def test_nobody_is_there_the_customer_leaves_an_address_and_an_agent_comes(
    colleagues: None, as_agent: AsAgent, customer: Callable[[str], Page]
) -> None:
    chat = open_chat(customer("cust_17"))
    expect(ask(chat, "my stove hisses, model unicorn")).to_have_attribute("data-status", "sent")
    chat.get_by_role("button", name="Talk to a person").click()
    expect(chat.get_by_role("log")).to_contain_text("None of our colleagues is here at the moment.")
    expect(chat.locator("#state-line")).to_contain_text("nobody is here at the moment")
    form = chat.get_by_role("region", name="Your e-mail address")
    expect(form).to_contain_text("May our colleagues write to you at")
    form.get_by_role("button", name="Use another").click()
    field = form.get_by_label("Your e-mail address")
    expect(field).to_be_focused()
    field.fill("me at home")
    field.press("Enter")
    expect(form.get_by_role("alert")).to_have_text("Please write an address like name@example.com.")
    field.fill("me@home.example")
    field.press("Enter")
    expect(form).to_contain_text("Our colleagues can write to you at m…@home.example")
    expect(chat.get_by_role("log")).to_contain_text("Our colleagues can write to you now")
    dora = as_agent("dora")
    row = the_one_with(dora, "stove unicorn")
    expect(row).to_contain_text("waits for a person")
    expect(row).to_contain_text("left an e-mail")
    row.click()
    expect(dora.locator("#contact")).to_have_text("Left an e-mail address: me@home.example")
    dora.get_by_role("button", name="Take over").click()
    expect(form).to_be_hidden()
    expect(chat.locator("#state-line")).to_have_text("You are talking to dora")
    field = dora.get_by_placeholder("Write to the customer")
    field.fill("Here I am.")
    field.press("Enter")
    said = chat.get_by_role("log").locator(".message[data-author=agent]").last
    expect(said).to_contain_text("Here I am.")
    expect(said.locator(".who")).to_have_text("dora")
    expect(dora.locator("#messages .from-agent").last).to_contain_text("Seen by the customer")


def test_alice_sends_a_picture_and_dora_answers_with_a_pdf(
    colleagues: None,
    as_agent: AsAgent,
    customer: Callable[[str], Page],
    tmp_path: Path,
) -> None:
    page = customer("cust_11")
    chat = open_chat(page)
    expect(ask(chat, "my boots came apart like this")).to_have_attribute("data-status", "sent")
    with page.expect_file_chooser() as chooser:
        chat.get_by_role("button", name="Attach an image or a PDF").press("Enter")
    chooser.value.set_files([BOOTS])
    uploaded(chat, 1)
    expect(chat.get_by_label("Your message")).to_be_focused()
    page.keyboard.press("Enter")
    expect(tray(chat)).to_have_count(0)
    drawn(chat.get_by_role("log").get_by_alt_text("Image: boots.png"))
    own = chat.locator(".message[data-author=customer]").last
    expect(own).to_have_attribute("data-status", "sent")
    dora = as_agent("dora")
    the_one_with(dora, "boots came apart").click()
    drawn(dora.locator("#messages").get_by_alt_text("Image: boots.png"))
    expect(dora.get_by_role("button", name="Attach a file")).to_be_disabled()
    dora.get_by_role("button", name="Take over").click()
    expect(dora.get_by_role("button", name="Attach a file")).to_be_enabled()
    with dora.expect_file_chooser() as chooser:
        dora.get_by_role("button", name="Attach a file").click()
    chooser.value.set_files([OFFER])
    uploaded(dora, 1)
    dora.get_by_placeholder("Write to the customer").fill("Here is your return label.")
    dora.keyboard.press("Enter")
    expect(dora.locator("#messages .from-agent").last).to_contain_text("offer.pdf")
    link = chat.get_by_role("link", name=re.compile("offer.pdf"))
    with page.expect_download() as download:
        link.click()
    download.value.save_as(tmp_path / "offer.pdf")
    assert (tmp_path / "offer.pdf").read_bytes() == PDF
    assert download.value.suggested_filename == "offer.pdf"
    page.reload()
    drawn(open_chat(page).get_by_role("log").get_by_alt_text("Image: boots.png"))


def test_nobody_else_reads_what_alice_sent(
    colleagues: None,
    as_agent: AsAgent,
    customer: Callable[[str], Page],
    demo_site: Site,
) -> None:
    chat = open_chat(customer("cust_16"))
    chat.locator("#file").set_input_files([BOOTS])
    uploaded(chat, 1)
    chat.get_by_role("button", name="Send", exact=True).click()
    address = chat.get_by_role("log").get_by_role("link").last.get_attribute("href") or ""
    assert demo_site.status(address) == 200
    assert demo_site.status(address.partition("?")[0]) == 404
    charlie = as_agent("charlie")
    answer = charlie.goto(demo_site.url + address.partition("?")[0])
    assert answer
    assert answer.status == 404
