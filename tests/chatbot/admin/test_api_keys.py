"""Keys of the REST API are made in the admin and shown once."""

import re
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from chatbot.api import keys
from chatbot.models import ApiKey
from tests.chatbot.admin.console import text_of

pytestmark = pytest.mark.django_db
ADD = "/admin/chatbot/apikey/add/"


@pytest.fixture
def alice(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("alice"))
    return client


def test_alice_makes_a_key_that_is_shown_once_and_works(alice: Client) -> None:
    given = {"name": "ERP, nightly", "scopes": ["records:write", "records:read"]}
    answer = alice.post(ADD, given, follow=True)
    [key] = set(re.findall(r"atk_[\w-]{40,}", answer.content.decode()))
    row = ApiKey.objects.get()
    assert (row.digest, row.prefix) == (keys.digest(key), key[:10])
    assert set(row.scopes) == {"records:read", "records:write"}
    for page in ("", f"{row.id}/change/", f"{row.id}/history/"):
        assert key not in text_of(alice, f"/admin/chatbot/apikey/{page}")
    assert LogEntry.objects.get(content_type__model="apikey").actor.get_username() == "alice"
    headers = {"Authorization": f"Bearer {key}"}
    assert Client(headers=headers).get("/api/records/").status_code == 200
    assert Client(headers=headers).get("/api/conversations/").status_code == 403


def test_a_key_that_has_expired_is_not_made(alice: Client) -> None:
    given = {"name": "ERP", "scopes": ["records:read"], "expires_at_0": "2020-01-01"}
    answer = alice.post(ADD, given | {"expires_at_1": "12:00"})
    assert "Choose a time in the future" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_without_a_scope_is_not_made(alice: Client) -> None:
    answer = alice.post(ADD, {"name": "ERP"})
    assert "Tick at least one scope" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_what_a_key_opens_is_not_changed_later(alice: Client) -> None:
    row, _ = keys.make("ERP", ["records:read"])
    change = f"/admin/chatbot/apikey/{row.id}/change/"
    alice.post(change, {"name": "CRM", "scopes": ["webhooks:write"]})
    row.refresh_from_db()
    assert (row.name, row.scopes) == ("CRM", ["records:read"])


def test_the_list_tells_what_each_key_opens_and_whether_it_still_does(alice: Client) -> None:
    keys.make("ERP", ["records:read", "records:write"])
    keys.make("Old", ["webhooks:read"], expires_at=timezone.now() - timedelta(days=1))
    keys.make("Lost", ["webhooks:write"])[0].revoke()
    html = text_of(alice, "/admin/chatbot/apikey/")
    assert "records:read, records:write" in html
    for state in ("in use", "expired", "revoked"):
        assert html.count(f">{state}<") == 1 or f"{state}\n" in html


def test_bob_who_is_no_administrator_makes_none(client: Client) -> None:
    client.force_login(User.objects.create_user("bob", is_staff=True))
    assert client.get(ADD).status_code == 403
