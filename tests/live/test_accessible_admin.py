"""axe-core on every list and form of the admin, light and dark: nothing serious is wrong."""

import pytest
from django.contrib import admin
from playwright.sync_api import Page

from tests.live.axe import Findings
from tests.live.conftest import NewBrowser, Site
from tests.live.test_console import log_in

pytestmark = pytest.mark.live

admin.autodiscover()
MODELS = sorted(model._meta.label_lower.replace(".", "/") for model in admin.site._registry)
OTHERS = [
    "",
    "password_change/",
    "chatbot/erasure/of/cust_1/",
    "chatbot/cannedanswer/1/delete/",
    "chatbot/cannedanswer/1/history/",
    "auth/user/1/password/",
    "chatbot/conversation/?state__exact=bot",
    "chatbot/inbox/setup/",
    "chatbot/case/upload/",
    "crm/article/1/versions/",
    "crm/article/1/versions/1/",
    "crm/article/?review=overdue",
]


@pytest.fixture
def page(new_browser: NewBrowser, busy_site: Site) -> Page:
    page = new_browser(color_scheme="light", reduced_motion="reduce").new_page()
    log_in(page, busy_site.url, "admin")
    return page


def test_every_list_and_form(page: Page, busy_site: Site) -> None:
    found = Findings()
    for model in MODELS:
        at = f"{busy_site.url}/admin/{model}/"
        page.goto(at)
        found.look(page, model)
        first = page.locator('#result_list a[href*="/change/"]').first
        link = first.get_attribute("href") if first.count() else None
        if link:
            page.goto(f"{busy_site.url}{link}")
            for details in page.locator("details").all():
                details.evaluate("one => one.open = true")
            found.look(page, f"{model} change")
        answer = page.goto(f"{at}add/")
        if answer and answer.status == 200:
            found.look(page, f"{model} add")
    for path in OTHERS:
        page.goto(f"{busy_site.url}/admin/{path}")
        found.look(page, path)
    found.assert_none()
