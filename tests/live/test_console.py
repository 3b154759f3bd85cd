"""The agents' live inbox in a real browser: whole journeys of alice, who writes, and of agents.

Nothing here depends on the model's wording.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.chatbot.attachments.files import PDF
from tests.live.conftest import NewBrowser
from tests.live.shop import Shop, unique
from tests.live.test_attachments import BOOTS, OFFER, drawn, tray, uploaded
from tests.live.test_widget import ask, open_chat, visit

pytestmark = pytest.mark.live

LIVE = "/admin/chatbot/conversation/live/"
PHONE = {"width": 390, "height": 844}
ANGRY = "This is terrible. Nobody helps me and I am really angry!"
# What each may do besides; Charlie has no rights.
MAY: dict[str, dict[str, list[str]]] = {
    "Fred": {"roles": [], "rights": ["view_conversation"]},
    "Charlie": {"roles": []},
}
CANNED = """
from chatbot.models import CannedAnswer
text = "I am sorry, {customer}. {agent} looks into it."
CannedAnswer.objects.create(shortcut=shortcut, text=text)
"""
AsAgent = Callable[[str], Page]
AsCustomer = Callable[..., Page]


@pytest.fixture
def as_agent(shop: Shop, new_browser: NewBrowser) -> AsAgent:
    """The live inbox, as somebody of this shop."""

    def enter(name: str) -> Page:
        context = new_browser()
        context.add_cookies([shop.session(shop.agent(name, **MAY.get(name, {})))])
        page = context.new_page()
        page.goto(shop.site.url + LIVE)
        return page

    return enter


@pytest.fixture
def as_customer(shop: Shop, new_browser: NewBrowser) -> AsCustomer:
    """The shop's page, as a customer of this shop; as a new one where none is named."""

    def enter(customer: str = "") -> Page:
        page = new_browser().new_page()
        visit(page, shop.url, customer or shop.customer())
        return page

    return enter


def log_in(page: Page, site: str, name: str) -> None:
    page.goto(f"{site}/admin/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", "attune-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/admin/")


def online(page: Page) -> Page:
    expect(page.locator("#live")).to_have_attribute("data-connection", "online")
    return page


def alerts(page: Page) -> int:
    """How many the tab's title counts: other shops may have some too."""
    found = re.match(r"\((\d+)\)", page.title())
    return int(found[1]) if found else 0


def the_one_with(page: Page, words: str) -> Locator:
    """The conversation in which these words were said."""
    online(page).get_by_placeholder("Search messages").fill(words)
    expect(page.locator("#rows button")).to_have_count(1)
    return page.locator("#rows button")


def test_an_angry_customer_is_seen_taken_over_and_helped(
    shop: Shop, as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    name, sorry = unique("Alice "), unique("sorry")
    alice = shop.customer(name)
    shop.record(alice, "order")
    shop.site.run(CANNED, shortcut=sorry)
    dora = online(as_agent("Dora"))
    before = alerts(dora)
    chat = open_chat(as_customer(alice))
    for number in range(3):
        expect(ask(chat, f"{ANGRY} ({number})")).to_have_attribute("data-status", "sent")
    row = dora.locator("#rows button.alerted").filter(has_text=name)
    expect(row).to_contain_text(ANGRY[:20])
    expect(dora).to_have_title(f"({before + 1}) Live inbox | Attune")
    row.click()
    expect(dora.locator("#chart circle")).to_have_count(3)
    expect(dora.locator("#orders a").first).to_be_visible()
    row.click()  # A click on the conversation that is open takes nothing away.
    dora.get_by_role("button", name="Take over").click()
    expect(chat.get_by_role("log")).to_contain_text("Dora from our team is with you now.")
    expect(dora.locator("#chart circle")).to_have_count(3)
    field = dora.get_by_placeholder("Write to the customer")
    field.fill(f"/{sorry}")
    field.press("Enter")
    expect(field).to_have_value(f"I am sorry, {name}. Dora looks into it.")
    field.press("Enter")
    said = chat.get_by_role("log").locator(".message[data-author=agent]").last
    expect(said).to_contain_text("Dora looks into it.")
    expect(dora.locator("#messages .from-agent").last).to_contain_text("Dora looks into it.")
    expect(ask(chat, "thank you, that helps")).to_have_attribute("data-status", "sent")
    expect(dora.locator("#messages .from-customer").last).to_contain_text("that helps")
    dora.get_by_role("button", name="Resolve").click()
    expect(chat.get_by_role("log")).to_contain_text("closed by Dora")
    expect(dora.locator("#standing")).to_contain_text("Closed")
    chat.get_by_text("Great").click()
    expect(chat.locator("#rated")).to_have_text("Thank you for telling us.")
    dora.reload()
    expect(dora.locator("#customer")).to_contain_text("rated 5 of 5")


def test_two_agents_race_for_one_conversation_and_one_has_it(
    as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    race = unique("race")
    chat = open_chat(as_customer())
    expect(ask(chat, f"a person please, {race}")).to_have_attribute("data-status", "sent")
    pages = [as_agent("Dora"), as_agent("Robin")]
    for page in pages:
        the_one_with(page, race).click()
        expect(page.get_by_role("button", name="Take over")).to_be_visible()
    for page in pages:
        page.get_by_role("button", name="Take over").dispatch_event("click")
    for page in pages:
        expect(page.locator("#standing")).to_contain_text("With")
    standing = [page.locator("#standing").inner_text() for page in pages]
    assert sum("With you" in text for text in standing) == 1
    assert chat.get_by_role("log").get_by_text("is with you now.").count() == 1


def test_a_correction_changes_the_export(
    shop: Shop, as_agent: AsAgent, as_customer: AsCustomer, tmp_path: Path
) -> None:
    kettle = unique("kettle")
    words = f"well that is just great, the {kettle} broke on the first day"
    chat = open_chat(as_customer())
    expect(ask(chat, words)).to_have_attribute("data-status", "sent")
    dora = as_agent("Dora")
    the_one_with(dora, f"broke {kettle}").click()
    entry = dora.locator("#messages .from-customer").filter(has_text=words)
    entry.get_by_role("button", name="negative").click()
    expect(entry).to_contain_text("corrected to negative")
    expect(entry.get_by_role("button", name="negative")).to_have_attribute("aria-pressed", "true")
    file = tmp_path / "corrections.jsonl"
    shop.site.manage("sentiment_train", "--export", str(file))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["label"] for row in rows if kettle in row["text"]] == ["negative"]


def test_search_finds_what_was_said_and_the_keyboard_opens_it(
    as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    kettle = unique("kettle")
    chat = open_chat(as_customer())
    expect(ask(chat, f"hello from zanzibar, {kettle}")).to_have_attribute("data-status", "sent")
    dora = as_agent("Dora")
    expect(dora.locator("#rows button").first).to_be_visible()
    dora.keyboard.press("/")
    dora.keyboard.type(f"{kettle} zanzibar")
    expect(dora.locator("#rows button")).to_have_count(1)
    dora.keyboard.press("Escape")
    dora.keyboard.press("j")
    dora.keyboard.press("Enter")
    expect(dora.locator("#messages")).to_contain_text(kettle)
    dora.keyboard.press("?")
    expect(dora.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def test_a_view_that_dora_saved_is_there_on_another_machine(
    as_agent: AsAgent,
) -> None:
    dora, elsewhere = as_agent("Dora"), as_agent("Dora")
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
    as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    dora = online(as_agent("Dora"))
    dora.get_by_role("button", name="Closed").click()
    before = alerts(dora)
    chat = open_chat(as_customer())
    for number in range(3):
        expect(ask(chat, f"{ANGRY} ({number})")).to_have_attribute("data-status", "sent")
    expect(dora).to_have_title(f"({before + 1}) Live inbox | Attune")


def test_on_a_phone_the_customer_is_one_tap_away(
    as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    # In a language that mood knows: a word alone might be of any.
    hello = f"Thank you so much for sending me the {unique('kettle')}"
    chat = open_chat(as_customer())
    expect(ask(chat, hello)).to_have_attribute("data-status", "sent")
    dora = as_agent("Dora")
    the_one_with(dora, hello).click()
    dora.set_viewport_size(PHONE)
    expect(dora.locator("#customer")).to_be_hidden()
    dora.get_by_role("button", name="Customer", exact=True).click()
    expect(dora.locator("#chart circle")).to_be_visible()
    dora.get_by_role("button", name="Back to the conversation").click()
    expect(dora.locator("#customer")).to_be_hidden()
    expect(dora.locator("#messages")).to_be_visible()


def test_fred_may_look_and_charlie_may_not(as_agent: AsAgent, as_customer: AsCustomer) -> None:
    hello = unique("hello")
    chat = open_chat(as_customer())
    expect(ask(chat, hello)).to_have_attribute("data-status", "sent")
    fred = as_agent("Fred")
    the_one_with(fred, hello).click()
    expect(fred.locator("#messages li").first).to_be_visible()
    for name in ("Take over", "Resolve", "Send", "Suggest an answer"):
        expect(fred.get_by_role("button", name=name, exact=True)).to_be_hidden()
    expect(fred.locator("#messages").get_by_role("button", name="negative")).to_have_count(0)
    charlie = as_agent("Charlie")
    expect(charlie.locator("body")).to_contain_text("403")


def test_nobody_is_there_the_customer_leaves_an_address_and_an_agent_comes(
    shop: Shop, as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    alice, stove = shop.customer(), unique("stove")
    shop.record(alice, "customer", email="alice@home.example")
    chat = open_chat(as_customer(alice))
    expect(ask(chat, f"my {stove} hisses")).to_have_attribute("data-status", "sent")
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
    expect(chat.get_by_role("log")).to_contain_text("We have sent you a link")
    dora = as_agent("Dora")
    row = the_one_with(dora, stove)
    expect(row).to_contain_text("Waiting for a person")
    expect(row).to_contain_text("left an e-mail address")
    row.click()
    expect(dora.locator("#contact")).to_have_text("Left an e-mail address: me@home.example")
    dora.get_by_role("button", name="Take over").click()
    expect(form).to_be_hidden()
    expect(chat.locator("#state-line")).to_have_text("You are talking to Dora")
    field = dora.get_by_placeholder("Write to the customer")
    field.fill("Here I am.")
    field.press("Enter")
    said = chat.get_by_role("log").locator(".message[data-author=agent]").last
    expect(said).to_contain_text("Here I am.")
    expect(said.locator(".who")).to_have_text("Dora")
    expect(dora.locator("#messages .from-agent").last).to_contain_text("Seen by the customer")


def test_alice_sends_a_picture_and_dora_answers_with_a_pdf(
    as_agent: AsAgent, as_customer: AsCustomer, tmp_path: Path
) -> None:
    boots = unique("boots")
    page = as_customer()
    chat = open_chat(page)
    expect(ask(chat, f"my {boots} came apart")).to_have_attribute("data-status", "sent")
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
    dora = as_agent("Dora")
    the_one_with(dora, boots).click()
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
    shop: Shop, as_agent: AsAgent, as_customer: AsCustomer
) -> None:
    chat = open_chat(as_customer())
    chat.locator("#file").set_input_files([BOOTS])
    uploaded(chat, 1)
    chat.get_by_role("button", name="Send", exact=True).click()
    address = chat.get_by_role("log").get_by_role("link").last.get_attribute("href") or ""
    assert shop.site.status(address) == 200
    assert shop.site.status(address.partition("?")[0]) == 404
    charlie = as_agent("Charlie")
    answer = charlie.goto(shop.site.url + address.partition("?")[0])
    assert answer
    assert answer.status == 404
