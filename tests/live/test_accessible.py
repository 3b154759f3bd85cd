"""axe-core on every page that people see, light and dark: nothing serious is wrong."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.live.test_attachments import BOOTS, OFFER, uploaded
from tests.live.test_console import log_in
from tests.live.test_widget import PATIENCE, ask, open_chat, visit

pytestmark = pytest.mark.live

SERIOUS = {"serious", "critical"}
PAGES = [
    "chatbot/conversation/live/",
    "chatbot/conversation/",
    "chatbot/correction/",
    "chatbot/figure/dashboard/",
    "crm/source/add/",
    "crm/inboundevent/",
    "crm/endpoint/",
    "crm/endpoint/add/",
    "crm/delivery/",
    "auditlog/logentry/",
    "chatbot/erasure/",
    "chatbot/cannedanswer/",
    "chatbot/cannedanswer/add/",
    "chatbot/inbox/",
    "chatbot/inbox/1/change/",
    "chatbot/action/",
    "chatbot/action/1/change/",
    "chatbot/actionrequest/",
    "chatbot/tier/",
    "crm/customer/",
    "crm/record/",
    "auth/user/",
]


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Page:
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1440, "height": 900}
    )
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    request.addfinalizer(context.close)
    return context.new_page()


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def test_the_widget(page: Page, site: str) -> None:
    visit(page, site, "cust_6")
    chat = open_chat(page)
    expect(ask(chat, "hello")).to_have_attribute("data-status", "sent")
    chat.locator("#file").set_input_files([BOOTS, OFFER])
    uploaded(chat, 2)
    assert serious(page) == []
    chat.get_by_role("button", name="Send", exact=True).click()
    own = chat.locator(".message[data-author=customer]").last
    expect(own).to_have_attribute("data-status", "sent")
    assert serious(page) == []


def test_the_admin(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/login/")
    assert serious(page) == []
    log_in(page, site, "admin")
    wrong = {}
    for path in PAGES:
        page.goto(f"{site}/admin/{path}")
        if path.endswith("live/"):
            page.locator("#rows button").first.click()
            expect(page.locator("#messages li").first).to_be_visible()
        if found := serious(page):
            wrong[path] = found
    page.goto(f"{site}/admin/chatbot/conversation/")
    page.locator("#result_list a").first.click()
    wrong |= {"a conversation": found} if (found := serious(page)) else {}
    assert wrong == {}
