"""axe-core on what people do in the widget, the live inbox and the pages of knowledge, and on the
ways in, light and dark: nothing serious is wrong. `test_accessible_admin.py` looks at the lists and
forms of the admin; another process can run it meanwhile.
"""

import re
from base64 import b32decode

import pytest
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from tests.live.axe import Findings
from tests.live.conftest import NewBrowser, Site
from tests.live.shop import RESOLVE, unique
from tests.live.test_attachments import BOOTS, OFFER, uploaded
from tests.live.test_console import LIVE, log_in
from tests.live.test_knowledge import IMPORTS, PLAYGROUND, orders
from tests.live.test_widget import PHONE, answered, ask, open_chat, visit

pytestmark = pytest.mark.live


@pytest.fixture
def page(new_browser: NewBrowser) -> Page:
    return new_browser(color_scheme="light", reduced_motion="reduce").new_page()


@pytest.fixture
def phone(new_browser: NewBrowser) -> Page:
    return new_browser(viewport=PHONE, is_mobile=True, reduced_motion="reduce").new_page()


def test_the_shop_and_the_widget(page: Page, busy_site: Site) -> None:
    found = Findings()
    visit(page, busy_site.url, "cust_1")
    found.look(page, "the shop")
    chat = open_chat(page)
    chat.locator("button.chip").last.click()
    found.look(page, "answered, with a source open")
    for customer, name in (("cust_3", "waiting"), ("cust_4", "with an agent"), ("cust_9", "new")):
        visit(page, busy_site.url, customer)
        chat = open_chat(page)
        found.look(page, name)
    chat.locator("#file").set_input_files([BOOTS, OFFER])
    uploaded(chat, 2)
    found.look(page, "files to send")
    chat.get_by_role("button", name="Send", exact=True).click()
    own = chat.locator(".message[data-author=customer]").last
    expect(own).to_have_attribute("data-status", "sent")
    found.look(page, "files sent")
    page.context.set_offline(True)
    expect(chat.get_by_text("Reconnecting…")).to_be_visible()
    expect(ask(chat, "hello")).to_have_attribute("data-status", "sending")
    found.look(page, "without a connection")
    page.context.set_offline(False)
    visit(page, busy_site.url, "cust_31")
    chat = open_chat(page)
    answered(chat, "hello").get_by_role("button", name="Helpful", exact=True).click()
    busy_site.run(RESOLVE, customer="cust_31", agent="agent")
    chat.get_by_text("Great").click()
    chat.get_by_role("button", name="E-mail it to me").click()
    found.look(page, "ended, rated")
    page.goto(f"{busy_site.url}/confirm-mail/?key=old")
    found.look(page, "a link that is no longer good")
    found.assert_none()


def test_on_a_phone(phone: Page, busy_site: Site) -> None:
    found, page = Findings(), phone
    visit(page, busy_site.url, "cust_1")
    open_chat(page)
    found.look(page, "the widget")
    log_in(page, busy_site.url, "admin")
    page.goto(busy_site.url + LIVE)
    expect(page.locator("#rows button").first).to_be_visible()
    found.look(page, "the live inbox")
    page.locator("#rows button").first.click()
    expect(page.locator("#messages li").first).to_be_visible()
    found.look(page, "a conversation in it")
    found.assert_none()


def test_the_live_inbox(page: Page, busy_site: Site) -> None:
    found = Findings()
    log_in(page, busy_site.url, "admin")
    page.goto(busy_site.url + LIVE)
    expect(page.locator("#rows button").first).to_be_visible()
    found.look(page, "the list")
    page.locator("#rows button").filter(has_text="Daniel Okafor").click()
    expect(page.locator("#messages li").first).to_be_visible()
    for details in page.locator("#messages details").all():
        details.evaluate("one => one.open = true")
    found.look(page, "a conversation")
    page.keyboard.press("?")
    found.look(page, "the keys")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Save view").click()
    found.look(page, "saving a view")
    found.assert_none()


def look_at_the_editor(page: Page, site: Site, found: Findings) -> None:
    page.goto(f"{site.url}/admin/crm/article/1/change/")
    expect(page.get_by_role("cell", name="1.9 kg")).to_be_visible()
    found.look(page, "the editor, with the customer's preview")
    page.get_by_role("tab", name="As it is searched").click()
    found.look(page, "the editor, with the passages")


def look_at_an_import(page: Page, site: Site, found: Findings) -> None:
    page.goto(f"{site.url}{IMPORTS}add/")
    rows = orders("cust_1", "")  # Half of them have no customer.
    file = {"name": "tills.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    page.get_by_label("Files").set_input_files([file])
    page.get_by_label("Plan").select_option("new")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("body")).to_contain_text("24 rows found")
    found.look(page, "the choices of an import")
    page.get_by_role("button", name="Start the import").click()
    expect(page.locator("body")).to_contain_text("12 created")
    found.look(page, "what came of an import")


def look_at_the_playground(page: Page, site: Site, found: Findings) -> None:
    page.goto(f"{site.url}{PLAYGROUND}")
    found.look(page, "the playground")
    page.get_by_label("As the customer").fill("cust_1")
    page.get_by_label("Question").fill("How long do I have to send something back?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).not_to_be_empty()
    for details in page.locator("details").all():
        details.evaluate("one => one.open = true")
    found.look(page, "an answer in the playground")


def test_the_pages_of_knowledge(page: Page, busy_site: Site) -> None:
    found = Findings()
    log_in(page, busy_site.url, "admin")
    look_at_the_editor(page, busy_site, found)
    look_at_an_import(page, busy_site, found)
    look_at_the_playground(page, busy_site, found)
    page.goto(f"{busy_site.url}/admin/chatbot/testrun/1/change/")
    for draft in page.locator("input[name=article]").all():
        draft.check()
    page.get_by_role("button", name="Publish the ticked drafts").click()
    expect(page.get_by_role("button", name="Publish anyway")).to_be_visible()
    found.look(page, "the warning before drafts are published")
    page.goto(f"{busy_site.url}/admin/chatbot/inbox/1/change/")
    picture = page.frame_locator("iframe[title='Picture of the chat']")
    expect(picture.get_by_role("log")).to_be_attached()
    found.look(page, "an inbox with the picture of its chat")
    for button in ("Show last week under this guidance", "Show last week under these rules"):
        with page.context.expect_page() as opened:
            page.get_by_role("button", name=button).click()
        expect(opened.value.get_by_role("main")).to_contain_text(
            re.compile("last (seven days|week)")
        )
        found.look(opened.value, button)
    found.assert_none()


def test_the_pages_of_knowledge_on_a_phone(phone: Page, busy_site: Site) -> None:
    found = Findings()
    log_in(phone, busy_site.url, "admin")
    look_at_the_editor(phone, busy_site, found)
    look_at_an_import(phone, busy_site, found)
    look_at_the_playground(phone, busy_site, found)
    for path in ("chatbot/testrun/1/change/", "chatbot/gap/1/change/", "chatbot/inbox/setup/"):
        phone.goto(f"{busy_site.url}/admin/{path}")
        found.look(phone, path)
    found.assert_none()


def try_in(page: Page, busy_site: Site, name: str, password: str) -> None:
    page.goto(f"{busy_site.url}/admin/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def give(page: Page, code: str) -> None:
    page.fill("input[name=token]", code)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_the_ways_in(page: Page, busy_site: Site) -> None:
    found, mallory = Findings(), unique("mallory")
    page.goto(f"{busy_site.url}/admin/login/")
    found.look(page, "log-in")
    try_in(page, busy_site, mallory, "guess")
    found.look(page, "a wrong password")
    for _ in range(5):
        try_in(page, busy_site, mallory, "guess")
    expect(page.locator("body")).to_contain_text("15 minutes")
    found.look(page, "locked out")
    log_in(page, busy_site.url, "lena")
    page.goto(f"{busy_site.url}/admin/second-factor/")
    found.look(page, "setting up a second factor")
    give(page, f"{totp(b32decode(page.locator('code').inner_text())):06d}")
    expect(page.locator("body")).to_contain_text("recovery codes")
    found.look(page, "recovery codes")
    page.context.clear_cookies()
    try_in(page, busy_site, "lena", "attune-demo")
    page.wait_for_url(re.compile("second-factor"))
    found.look(page, "the second factor")
    give(page, "000000")
    found.look(page, "a wrong code")
    page.context.clear_cookies()
    log_in(page, busy_site.url, "dora")
    page.goto(f"{busy_site.url}/admin/auth/user/")
    found.look(page, "not allowed")
    found.assert_none()
