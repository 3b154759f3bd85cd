"""Alice leads a support team: she writes and imports what the bot knows, sees what it could not
answer, teaches, and tests before she publishes. Whole journeys of hers and of the customers.

The bot answers from lines of which the reader is sure, so no model words them.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.live.conftest import NewBrowser, Site
from tests.live.shop import Shop, Street, unique
from tests.live.test_console import LIVE, the_one_with
from tests.live.test_widget import answered, open_chat, visit

pytestmark = pytest.mark.live

ARTICLES, GAPS = "/admin/crm/article/", "/admin/chatbot/gap/"
IMPORTS, PLAYGROUND = "/admin/crm/import/", "/admin/chatbot/testrun/playground/"
CASES, RUNS = "/admin/chatbot/case/", "/admin/chatbot/testrun/"
# The site does it every five minutes.
GROUP = "from chatbot.gaps.updating import update_gaps; update_gaps()"
AsAlice = Callable[[str], Page]
AsCustomer = Callable[..., FrameLocator]


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site], stub: dict[str, str]) -> Iterator[Site]:
    """A company of another trade than the demo's, whose drafts no other file publishes."""
    site = make_site(**stub, DEMO="0", ANSWER_AT_ONCE="1").start().until_ready()
    yield site
    assert site.end() == 0, site.output


@pytest.fixture(scope="module")
def street(site: Site) -> Iterator[Street]:
    made = Street(site)
    yield made
    made.end()


@pytest.fixture
def as_alice(shop: Shop, new_browser: NewBrowser) -> AsAlice:
    """A page of the admin, as the lead of this shop's team."""

    def enter(path: str) -> Page:
        context = new_browser()
        context.add_cookies([shop.session(shop.agent("Alice", roles=["Team lead"]))])
        page = context.new_page()
        page.goto(shop.site.url + path)
        return page

    return enter


@pytest.fixture
def as_customer(shop: Shop, new_browser: NewBrowser) -> AsCustomer:
    """The chat on the shop's page, as this customer; as a new one where none is named."""

    def enter(customer: str = "") -> FrameLocator:
        page = new_browser().new_page()
        visit(page, shop.url, customer or shop.customer())
        return open_chat(page)

    return enter


def write(page: Page, shop: Shop, text: str, title: str = "") -> None:
    """Fill in the editor, for the bot of this shop alone."""
    if title:
        page.get_by_label("Title").fill(title)
    page.get_by_role("textbox", name="Text").fill(text)
    page.get_by_role("checkbox", name=shop.key).check()


def press(page: Page, name: str, told: str | re.Pattern[str]) -> None:
    """Press a button that leads to a page with these words."""
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("body")).to_contain_text(told)


def text_of(answer: Locator) -> Locator:
    return answer.locator(".text")


def test_an_article_is_written_told_and_changed_only_when_it_is_published(
    shop: Shop, as_alice: AsAlice, as_customer: AsCustomer
) -> None:
    alice, address = as_alice(f"{ARTICLES}add/"), "http://kestrel.example/sizes"
    write(alice, shop, "All sizes are measured flat.", "Sizes of the Kestrel wetsuit")
    alice.get_by_role("textbox", name="Text").press("End")
    alice.get_by_role("button", name="Table").click()
    alice.get_by_label("Public address").fill(address)
    seen = alice.get_by_role("tabpanel", name="As the customer sees it")
    expect(seen.get_by_role("cell", name="88 cm")).to_be_visible()
    alice.get_by_role("tab", name="As it is searched").click()
    passages = alice.get_by_role("tabpanel", name="As it is searched")
    expect(passages.get_by_role("listitem").filter(has_text="88 cm")).to_contain_text("Chest")
    press(alice, "Save and publish", "now see version 1, which is this text.")

    question = "What is the chest of the Kestrel wetsuit in size S?"
    answer = answered(as_customer(), question)
    expect(text_of(answer)).to_contain_text("88 cm")
    answer.locator("button.chip").first.click()
    expect(answer.get_by_role("link")).to_have_attribute("href", address)

    text = alice.get_by_role("textbox", name="Text")
    text.fill(text.input_value().replace("88 cm", "91 cm"))
    press(alice, "Save draft", "Customers still see version 1")
    expect(text_of(answered(as_customer(), question))).to_contain_text("88 cm")
    press(alice, "Save and publish", "now see version 2, which is this text.")
    expect(text_of(answered(as_customer(), question))).to_contain_text("91 cm")


def orders(*owners: str) -> str:
    """A file as a till writes it; the margin is nobody's business."""
    states = ("in transit", "returned to sender", "paid", "cancelled")
    rows = [
        f"{81001 + row};{owners[row % len(owners)]};2026-11-{row % 27 + 1:02};"
        f"{states[row % len(states)]};{40 + row}.50;{row}.77"
        for row in range(24)
    ]
    return "\n".join(["Order no;Customer no;Ordered on;Status;Total (EUR);Margin", *rows])


def test_orders_are_imported_and_told_to_their_customers_alone(
    shop: Shop, as_alice: AsAlice, as_customer: AsCustomer
) -> None:
    carol, bob = shop.customer("Carol"), shop.customer("Bob")
    file = {"name": "orders.csv", "mimeType": "text/csv", "buffer": orders(carol, bob).encode()}
    alice = as_alice(f"{IMPORTS}add/")
    alice.get_by_label("Files").set_input_files([file])
    press(alice, "Import", "24 rows found")
    expect(alice.get_by_label("Kind", exact=True)).to_have_value("order")
    expect(alice.get_by_label("Number or id")).to_have_value("Order no")
    expect(alice.get_by_role("combobox", name="Status", exact=True)).to_have_value("Status")
    expect(alice.get_by_role("checkbox", name="Margin")).to_be_checked()
    preview = alice.get_by_role("region", name="As the bot will read it")
    expect(preview.get_by_role("listitem")).to_have_count(10)
    first = preview.get_by_role("listitem").first
    # The newest come first.
    expect(first).to_contain_text(f"for the customer {bob}")
    expect(first).not_to_contain_text("Margin")
    alice.get_by_label("Title").select_option("Status")
    expect(first.get_by_role("heading")).to_have_text("cancelled")
    alice.get_by_label("Title").select_option("none")
    expect(first.get_by_role("heading")).to_have_text("Order 81024")
    press(alice, "Start the import", "24 created")

    chat = as_customer(carol)
    expect(text_of(answered(chat, "What is the status of order 81001?"))).to_contain_text(
        "in transit"
    )
    told = answered(chat, "And what is the status of order 81002?")
    expect(text_of(told)).not_to_be_empty()
    expect(text_of(told)).not_to_contain_text("returned")


def test_a_refused_question_becomes_an_article_that_answers_it(
    shop: Shop, as_alice: AsAlice, as_customer: AsCustomer
) -> None:
    question = f"Do you lend out snowshoes by the name of {unique('Marmot')}?"
    answer = "Yes: we lend out snowshoes from December to March, for 12 euros a day."
    chat = as_customer()
    refusal = text_of(answered(chat, question)).inner_text()
    shop.site.run(GROUP)
    alice = as_alice(GAPS)
    alice.get_by_role("link", name=question).click()
    gap = alice.url
    alice.get_by_role("link", name="Write an article").click()
    expect(alice.get_by_label("Title")).to_have_value(question)
    write(alice, shop, answer)
    press(alice, "Save draft", "Customers do not see it until you publish it.")

    alice.goto(gap)
    alice.get_by_role("button", name="Ask again").click()
    row = alice.get_by_role("region", name="Questions").get_by_role("listitem")
    sides = row.filter(has_text="Now: answered").locator(".sides > div")
    expect(sides).to_have_count(2)
    expect(sides.first).to_contain_text(refusal)
    expect(sides.last).to_contain_text("from December to March")
    expect(alice.locator("body")).to_contain_text("All of them are answered now.")
    alice.get_by_role("link", name=question).last.click()
    press(alice, "Save and publish", "which is this text.")
    alice.goto(gap)
    press(alice, "Close the group", "The group is closed.")
    alice.goto(shop.site.url + GAPS)
    expect(alice.get_by_role("link", name=question)).to_have_count(0)
    expect(text_of(answered(as_customer(), question))).to_contain_text("12 euros")


def test_what_is_taught_is_tested_and_published(
    shop: Shop, as_alice: AsAlice, as_customer: AsCustomer
) -> None:
    title, question = "Hiring a canoe", "How much is the deposit for a hired canoe?"
    alice = as_alice(f"{ARTICLES}add/")
    write(alice, shop, "The deposit for a hired canoe is 40 euros.", title)
    press(alice, "Save and publish", "which is this text.")
    article = alice.url
    chat = as_customer()
    expect(text_of(answered(chat, question))).to_contain_text("40 euros")

    live = as_alice(LIVE)
    the_one_with(live, "deposit hired canoe").click()
    judged = live.get_by_role("group", name="Judge this answer").last
    judged.get_by_text("The bot should have said …").click()
    judged.get_by_label("What should be said").fill("The deposit is 60 euros.")
    record = judged.get_by_label("The record that says it")
    record.fill("canoe")
    record.fill(judged.locator(f"option[value*='{title}']").get_attribute("value") or "")
    judged.get_by_role("button", name="Save").click()
    expect(judged).to_contain_text("The answer was wrong, says Alice.")

    alice.get_by_role("textbox", name="Text").fill("The deposit for a hired canoe is 60 euros.")
    press(alice, "Save draft", "Customers still see version 1")
    alice.goto(shop.site.url + CASES)
    expect(alice.get_by_role("row").filter(has_text=question)).to_contain_text("60")
    alice.goto(f"{shop.site.url}{RUNS}add/")
    press(alice, "Start", "Done")
    result = alice.locator("section").filter(has_text=question)
    expect(result).to_contain_text("The drafts change the answer.")
    live_side, draft_side = result.locator(".sides > div").all()
    expect(live_side).to_contain_text(re.compile(r"wrong\s+.*40 euros"))
    expect(draft_side).to_contain_text(re.compile(r"right\s+.*60 euros"))
    alice.get_by_role("button", name="Publish the ticked drafts").click()
    expect(alice.locator("body")).to_contain_text("published for customers")
    expect(text_of(answered(as_customer(), question))).to_contain_text("60 euros")
    alice.goto(article)
    expect(alice.get_by_role("region", name="State")).to_contain_text("Customers see this")


def test_the_playground_answers_as_a_customer_from_drafts_and_follows_up(
    shop: Shop, as_alice: AsAlice
) -> None:
    carol = shop.customer("Carol")
    number = shop.record(carol, "repair", status="waiting for a zip")
    alice = as_alice(f"{ARTICLES}add/")
    text = "A repaired tent comes back within nine days. Sending it back costs 7 euros."
    write(alice, shop, text, "Repairs of tents")
    press(alice, "Save draft", "a draft")

    alice.goto(shop.site.url + PLAYGROUND)
    alice.get_by_label("As the customer").fill(carol)
    alice.get_by_label("In the inbox").select_option(shop.key)
    alice.get_by_label("With the drafts of articles").check()
    alice.get_by_label("Question").fill("How fast does a repaired tent come back?")
    alice.get_by_role("button", name="Ask").click()
    answer = alice.locator("#answer")
    expect(answer).to_contain_text("nine days")
    made = alice.get_by_role("region", name="How this answer was made")
    expect(made).to_contain_text("Repairs of tents")
    alice.get_by_label("Follow-up question").fill(f"What is the status of repair {number}?")
    alice.get_by_role("button", name="Ask").click()
    expect(answer).to_contain_text("waiting for a zip")
    expect(alice.get_by_role("region", name="Conversation")).to_contain_text("nine days")
