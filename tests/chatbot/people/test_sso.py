"""Single sign-on against a real provider on loopback: dora answers customers there and here."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import include, path

from chatbot.models import ProviderAccount
from chatbot.people import roles
from chatbot.urls import urlpatterns as usual
from tests.chatbot.provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.django_db
LIST = "/admin/chatbot/conversation/"
DORA = {"sub": "d-1", "preferred_username": "dora", "given_name": "Dora", "groups": ["support"]}

urlpatterns = [path("admin/sso/", include("chatbot.people.sso")), *usual]


@pytest.fixture(autouse=True, scope="module")
def addresses() -> Iterator[None]:
    """Once for all: Django reads them anew after each change."""
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture(autouse=True)
def provider(settings: Any) -> Iterator[Provider]:
    cache.clear()
    one = Provider()
    one.claims = dict(DORA)
    settings.OIDC_ISSUER = one.issuer
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = CLIENT, SECRET
    settings.OIDC_GROUPS = {"support": roles.AGENT, "leads": roles.LEAD}
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "chatbot.people.sso.Backend",
    ]
    yield one
    one.end()


def at_the_provider(client: Client, next: str = LIST) -> str:
    """The browser goes there and is sent back: to this address of ours."""
    return sent_back(client.get(f"/admin/sso/?next={next}"))


def sent_back(begun: HttpResponse) -> str:
    """Without certificates, which take 25 ms to read: this provider needs none."""
    answer = httpx2.get(begun["location"], trust_env=False, verify=False)
    return str(answer.headers["location"])


def sign_in(client: Client, next: str = LIST) -> HttpResponse:
    back = at_the_provider(client, next)
    return client.get(back.removeprefix("http://testserver"))


def refused(client: Client, answer: HttpResponse) -> str:
    """The sentence on the log-in page; nobody is logged in."""
    assert answer["location"] == "/admin/login/"
    assert "_auth_user_id" not in client.session
    return client.get("/admin/login/").content.decode()


def test_the_log_in_page_leads_there(client: Client) -> None:
    html = client.get(f"/admin/login/?next={LIST}").content.decode()
    assert f'href="/admin/sso/?next={LIST}"' in html
    assert "Log in with your company account" in html


def test_dora_is_let_in_with_the_role_of_her_group(client: Client, provider: Provider) -> None:
    assert sign_in(client)["location"] == LIST
    dora = User.objects.get(username="dora")
    assert [group.name for group in dora.groups.all()] == [roles.AGENT]
    assert (dora.is_staff, dora.is_superuser, dora.has_usable_password()) == (True, False, False)
    assert client.get(LIST).status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403
    assert client.session.get_expiry_age() <= 9 * 3600
    assert set(provider.asked) == {
        "/.well-known/openid-configuration", "/authorize", "/token", "/jwks"
    }  # fmt: skip


def test_she_is_known_again_by_her_sub_whatever_she_is_called_now(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    provider.claims |= {"preferred_username": "dora.smith", "groups": ["leads", "choir"]}
    sign_in(Client())
    account = ProviderAccount.objects.get()
    assert (account.user.username, account.subject) == ("dora", "d-1")
    assert [group.name for group in account.user.groups.all()] == [roles.LEAD]


def test_who_left_the_group_is_not_let_in_and_has_no_rights_left(
    client: Client, provider: Provider
) -> None:
    sign_in(client)
    provider.claims["groups"] = ["choir"]
    other = Client()
    assert "You have no role here yet." in refused(other, sign_in(other))
    dora = User.objects.get(username="dora")
    assert (dora.is_staff, dora.groups.count()) == (False, 0)
    assert client.get(LIST)["location"].startswith("/admin/login/"), "nor in the open session"


def test_a_stranger_without_a_group_leaves_no_user_behind(
    client: Client, provider: Provider
) -> None:
    del provider.claims["groups"]
    refused(client, sign_in(client))
    assert not User.objects.exists()


def test_a_group_of_this_site_alone_stays(client: Client, provider: Provider) -> None:
    sign_in(client)
    User.objects.get().groups.add(Group.objects.create(name="Night shift"))
    sign_in(Client())
    names = User.objects.get().groups.values_list("name", flat=True)
    assert set(names) == {roles.AGENT, "Night shift"}


def test_mallory_who_is_called_admin_there_is_not_the_admin_here(
    client: Client, provider: Provider
) -> None:
    User.objects.create_superuser("admin", password="attune-demo")
    provider.claims |= {"sub": "m-1", "preferred_username": "admin"}
    assert "The user admin already exists" in refused(client, sign_in(client))


def test_a_user_made_without_a_password_is_taken_over_by_its_owner_once(
    client: Client, provider: Provider
) -> None:
    made = User.objects.create_user("dora")
    sign_in(client)
    assert ProviderAccount.objects.get().user == made
    provider.claims["sub"] = "m-1"
    other = Client()
    assert "The user dora already exists" in refused(other, sign_in(other))


def test_who_was_switched_off_here_stays_out(client: Client) -> None:
    sign_in(client)
    User.objects.update(is_active=False)
    other = Client()
    refused(other, sign_in(other))


# --- the second factor


def test_the_second_factor_is_not_asked_twice(
    client: Client, provider: Provider, settings: Any
) -> None:
    settings.TWO_FACTOR_REQUIRED = True
    sign_in(client)
    assert client.get(LIST)["location"].startswith("/admin/second-factor/"), "none was shown there"
    provider.claims["amr"] = ["pwd", "mfa"]
    sign_in(client := Client())
    assert client.get(LIST).status_code == 200
    client.force_login(User.objects.get(username="dora"))
    client.session.flush()
    client.force_login(User.objects.get(username="dora"))
    assert client.get(LIST).status_code == 302, "it counts for that log-in only"


def test_a_provider_that_does_not_say_so_can_be_trusted_by_setting(
    client: Client, settings: Any
) -> None:
    settings.TWO_FACTOR_REQUIRED = settings.OIDC_SECOND_FACTOR = True
    sign_in(client)
    assert client.get(LIST).status_code == 200


# --- what is no proof


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"nonce": "of-another-log-in"},
        {"nonce": None},
    ],
)
def test_a_token_for_another_or_of_another_time_is_refused(
    client: Client, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims |= claims
    assert "could not be completed" in refused(client, sign_in(client))
    assert not User.objects.exists()


def test_a_token_with_another_key_is_refused(client: Client, provider: Provider) -> None:
    provider.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused(client, sign_in(client))


def test_a_state_that_this_browser_did_not_begin_is_refused(client: Client) -> None:
    back = at_the_provider(Client()).removeprefix("http://testserver")
    refused(client, client.get(back))
    refused(client, client.get("/admin/sso/callback/?code=1&state=2"))
    refused(client, client.get("/admin/sso/callback/?error=access_denied&state=2"))


def test_the_same_answer_counts_once(client: Client) -> None:
    back = at_the_provider(client).removeprefix("http://testserver")
    assert client.get(back)["location"] == LIST
    client.post("/admin/logout/")
    refused(client, client.get(back))


def test_a_code_smuggled_into_the_password_page_is_not_looked_at(
    client: Client, provider: Provider
) -> None:
    code = provider.authorize({
        "client_id": CLIENT, "response_type": "code", "scope": "openid", "state": "s",
        "redirect_uri": "http://testserver/admin/sso/callback/",
    }).partition("?")[2]  # fmt: skip
    client.post(f"/admin/login/?{code}", {"username": "dora", "password": "x"})
    assert "/token" not in provider.asked
    assert "_auth_user_id" not in client.session


def test_wrong_passwords_lock_nobody_out_of_single_sign_on(client: Client) -> None:
    for _ in range(6):
        client.get("/admin/sso/callback/?code=1&state=2")
        client.post("/admin/login/", {"username": "dora", "password": "guess"})
    assert sign_in(client)["location"] == LIST


def test_it_leads_back_to_this_site_only(client: Client) -> None:
    assert sign_in(client, "https://evil.example/")["location"] == "/admin/"


# --- nobody else is asked


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_an_address_on_another_host_is_not_asked(
    client: Client, provider: Provider, name: str
) -> None:
    provider.discovery = {name: "http://127.0.0.1:9/elsewhere"}
    begun = client.get("/admin/sso/")
    if name == "authorization_endpoint":
        refused(client, begun)
    else:
        refused(client, client.get(sent_back(begun).removeprefix("http://testserver")))


def test_the_description_of_another_issuer_is_refused(client: Client, provider: Provider) -> None:
    provider.discovery = {"issuer": "https://evil.example"}
    refused(client, client.get("/admin/sso/"))


def test_a_provider_that_is_down_is_told_on_the_log_in_page(client: Client, settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert "could not be completed" in refused(client, client.get("/admin/sso/"))


def test_a_name_that_shows_nothing_is_no_name(client: Client, provider: Provider) -> None:
    provider.claims |= {"preferred_username": "\u3164", "email": "dora@ash.example"}
    sign_in(client)
    assert ProviderAccount.objects.get().user.username == "dora@ash.example"
