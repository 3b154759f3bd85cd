"""Single sign-on in a real browser: from the log-in page to a provider and back, on a site."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.chatbot.provider import CLIENT, SECRET, Provider
from tests.live.conftest import Site
from tests.live.shop import unique

pytestmark = pytest.mark.live
LIST = "/admin/chatbot/conversation/"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    one = Provider()
    yield one
    one.end()


def signed_in_there(provider: Provider, name: str, groups: list[str]) -> None:
    provider.claims = {
        "sub": unique(name),
        "preferred_username": unique(name),
        "given_name": name.capitalize(),
        "groups": groups,
        "amr": ["pwd", "otp"],
    }


@pytest.fixture(scope="module")
def company(make_site: Callable[..., Site], provider: Provider) -> Iterator[Site]:
    """A site whose staff log in at the provider, each with a second factor."""
    settings = {
        "DEMO": "0",
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_GROUPS": "support=Agent",
        "TWO_FACTOR_REQUIRED": "1",
    }
    site = make_site(**settings).start().until_ready()
    yield site
    site.end()


def test_dora_signs_in_and_works_at_once(page: Page, company: Site, provider: Provider) -> None:
    signed_in_there(provider, "dora", ["support"])
    page.goto(f"{company.url}{LIST}")
    page.get_by_role("link", name="Log in with your company account").click()
    page.wait_for_url(f"{company.url}{LIST}")
    expect(page.get_by_role("link", name="Live inbox").first).to_be_visible()
    page.goto(f"{company.url}{LIST}live/")
    expect(page.locator("#live")).to_have_attribute("data-connection", "online")
    page.goto(f"{company.url}/admin/auth/user/")
    expect(page.locator("body")).to_contain_text("403")
    asked = {"/.well-known/openid-configuration", "/authorize", "/token", "/jwks"}
    assert asked <= set(provider.asked) <= {*asked, "/favicon.ico"}


def test_without_a_group_she_is_told_what_to_do(
    page: Page, company: Site, provider: Provider
) -> None:
    signed_in_there(provider, "charlie", [])
    page.goto(f"{company.url}/admin/login/")
    page.get_by_role("link", name="Log in with your company account").click()
    expect(page.locator("body")).to_contain_text("You have no role here yet.")
    page.goto(f"{company.url}{LIST}")
    page.wait_for_url(f"{company.url}/admin/login/**")
