"""What the demo leaves behind lets nobody into production, and the check says so."""

from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from channels.auth import get_user
from django.contrib.auth import password_validation
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from chatbot.models import ProviderAccount
from chatbot.operations import checks
from chatbot.operations.checks import CONFIGURATION
from chatbot.people import demo_logins, sso

PAGE = "/admin/chatbot/conversation/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demo(settings: Any) -> None:
    """The data of `make run`, served there."""
    settings.DEBUG = settings.DEMO = True
    settings.HOST, settings.PORT = "127.0.0.1", 8000
    with mock.patch("crm.demo.records", return_value=[]):  # Nobody logs in to them.
        call_command("load_demo", verbosity=0)


def in_production(settings: Any) -> None:
    settings.DEBUG = settings.DEMO = settings.TWO_FACTOR_REQUIRED = False


def logged_in(client: Client, name: str, password: str = demo_logins.PASSWORD) -> bool:
    client.post("/admin/login/", {"username": name, "password": password, "next": PAGE})
    return client.get(PAGE).status_code == 200


@pytest.mark.parametrize("name", ["admin", "agent"])
def test_it_lets_in_where_the_demo_is_on_and_nowhere_else(
    settings: Any, client: Client, name: str
) -> None:
    assert logged_in(client, name)
    in_production(settings)
    assert client.get(PAGE).status_code == 302, "nor does the session of before"
    assert not logged_in(Client(), name)


def test_it_is_the_password_that_is_known_whatever_the_user_is_called(settings: Any) -> None:
    User.objects.filter(username="admin").update(username="root")
    User.objects.create_user("erin", password=demo_logins.PASSWORD, is_staff=True)
    in_production(settings)
    for name in ("root", "erin"):
        assert not logged_in(Client(), name)


@pytest.mark.django_db(transaction=True)
def test_a_live_inbox_of_before_has_nobody_at_it(settings: Any, client: Client) -> None:
    assert logged_in(client, "admin")
    scope = {"session": client.session}
    assert async_to_sync(get_user)(scope).is_authenticated
    in_production(settings)
    assert not async_to_sync(get_user)(scope).is_authenticated


def test_single_sign_on_does_not_lead_into_it(settings: Any) -> None:
    admin = User.objects.get(username="admin")
    ProviderAccount.objects.create(user=admin, issuer="https://id.corp", subject="a-1")
    settings.OIDC_GROUPS = {"leads": "Team lead"}
    claims = {"iss": "https://id.corp", "sub": "a-1", "groups": ["leads"]}
    assert sso.admitted(claims) == admin
    in_production(settings)
    with pytest.raises(sso.NotAdmitted, match="demo's password"):
        sso.admitted(claims)


def test_with_a_password_of_her_own_alice_goes_on_as_admin(settings: Any, client: Client) -> None:
    admin = User.objects.get(username="admin")
    admin.set_password("alice's own words")
    admin.save()
    in_production(settings)
    assert logged_in(client, "admin", "alice's own words")
    assert [one.hint for one in left_behind()] == ["Type: python manage.py changepassword agent"]


def test_the_demos_password_cannot_be_chosen() -> None:
    with pytest.raises(ValidationError, match="everybody knows"):
        password_validation.validate_password(demo_logins.PASSWORD)


def test_the_check_names_each_of_them_until_they_are_gone(settings: Any) -> None:
    User.objects.create_superuser("bob", password=demo_logins.PASSWORD)
    assert left_behind() == [], "the demo may have them"
    in_production(settings)
    named = [one.msg.split()[2] for one in left_behind()]
    assert sorted(named) == ["admin", "agent", "bob"]
    User.objects.all().delete()
    assert left_behind() == []


def test_the_check_says_nothing_while_there_are_no_tables(settings: Any) -> None:
    in_production(settings)
    with mock.patch.object(checks, "with_published_password", side_effect=OperationalError):
        assert left_behind() == []


def left_behind() -> list[Any]:
    return [one for one in run_checks(tags=[CONFIGURATION]) if one.id == "attune.E012"]
