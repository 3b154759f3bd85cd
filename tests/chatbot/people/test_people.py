"""Who may do what, the second factor, the lock-out and the audit log: dora answers customers, lena
leads, adam administers, olga audits; charlie has no role; mallory has a stolen password."""

from typing import Any

import pytest
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from chatbot.api import keys
from chatbot.models import Inbox, Presence, Tier
from chatbot.people import roles, two_factor
from crm.models import Source
from tests.chatbot.admin.console import page_of, talk

pytestmark = [pytest.mark.django_db, pytest.mark.services]
PASSWORD = "correct horse battery"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox.objects.create(key="shop", name="Shop")


@pytest.fixture(autouse=True)
def forgetful() -> None:
    cache.clear()


def person(name: str, role: str = "") -> User:
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def page(client: Client, user: User, url: str) -> int:
    client.force_login(user)
    return int(client.get(url).status_code)


PAGES = {
    "conversations": "/admin/chatbot/conversation/",
    "live inbox": "/admin/chatbot/conversation/live/",
    "records": "/admin/crm/record/",
    "canned answers": "/admin/chatbot/cannedanswer/",
    "new canned answer": "/admin/chatbot/cannedanswer/add/",
    "inboxes": "/admin/chatbot/inbox/",
    "inbound events": "/admin/crm/inboundevent/",
    "sources": "/admin/crm/source/",
    "new source": "/admin/crm/source/add/",
    "tiers": "/admin/chatbot/tier/",
    "audit log": "/admin/auditlog/logentry/",
    "users": "/admin/auth/user/",
    "new user": "/admin/auth/user/add/",
}
DAILY = {"conversations", "live inbox", "records"}
MAY = {
    "": set[str](),
    roles.AGENT: DAILY,
    roles.LEAD: DAILY
    | {"canned answers", "new canned answer", "inboxes", "inbound events", "sources"},
    roles.ADMINISTRATOR: set(PAGES) - {"audit log"},
    roles.AUDITOR: set(PAGES) - {"new canned answer", "new source", "new user"},
}


@pytest.mark.parametrize("role", MAY)
def test_each_role_sees_its_pages_and_no_other(client: Client, inbox: Inbox, role: str) -> None:
    user = person("somebody", role)
    seen = {name for name, url in PAGES.items() if page(client, user, url) == 200}
    assert seen == MAY[role]


def test_olga_reads_an_inbox_and_not_its_secret(client: Client, inbox: Inbox) -> None:
    client.force_login(person("olga", roles.AUDITOR))
    html = client.get(f"/admin/chatbot/inbox/{inbox.id}/change/").content.decode()
    assert inbox.name in html
    assert inbox.secret not in html


def test_lena_tries_alerts_out_and_does_not_see_the_secret(client: Client, inbox: Inbox) -> None:
    """With it she could speak as any customer."""
    page = f"/admin/chatbot/inbox/{inbox.id}/change/"
    client.force_login(person("lena", roles.LEAD))
    html = client.get(page).content.decode()
    assert "Show last week under these rules" in html
    assert inbox.secret not in html
    client.force_login(person("adam", roles.ADMINISTRATOR))
    assert inbox.secret in client.get(page).content.decode()


def test_rights_that_somebody_added_stay(inbox: Inbox) -> None:
    agents = Group.objects.get(name=roles.AGENT)
    agents.permissions.add(*roles.named(["chatbot.view_tier"]))
    roles.make_roles()
    assert agents.permissions.filter(codename="view_tier").exists()


# --- the second factor


def code(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06d}"


def test_who_has_to_have_one_sets_it_up_and_is_then_let_in(client: Client, settings: Any) -> None:
    settings.TWO_FACTOR_REQUIRED = True
    dora = person("dora", roles.AGENT)
    client.force_login(dora)
    sent = client.get(PAGES["conversations"])
    assert (
        sent["location"]
        == f"/admin/second-factor/?next={PAGES['conversations'].replace('/', '%2F')}"
    )
    html = client.get(sent["location"]).content.decode()
    assert "data:image/svg+xml" in html
    device = TOTPDevice.objects.get(user=dora)
    wrong = client.post(sent["location"], {"token": "000000"})
    assert "This code is wrong." in wrong.content.decode()
    TOTPDevice.objects.update(throttling_failure_count=0)
    done = client.post(sent["location"], {"token": code(device)}).content.decode()
    codes = [token.token for token in StaticDevice.objects.get(user=dora).token_set.all()]
    assert len(codes) == two_factor.RECOVERY_CODES
    assert all(one in done for one in codes)
    assert client.get(PAGES["conversations"]).status_code == 200
    assert client.get(reverse("second-factor")).content.decode().count(codes[0]) == 0


def test_mallory_with_doras_password_alone_gets_nowhere(client: Client) -> None:
    dora = person("dora", roles.AGENT)
    device = TOTPDevice.objects.create(user=dora, name="phone", confirmed=True)
    client.force_login(dora)
    for url in PAGES.values():
        assert client.get(url)["location"].startswith("/admin/second-factor/"), url
    html = client.get("/admin/second-factor/").content.decode()
    assert "data:image/svg+xml" not in html, "no new device beside the one that is there"
    passed = client.post("/admin/second-factor/", {"token": code(device), "next": "//evil.example"})
    assert passed["location"] == "/admin/"
    assert client.get(PAGES["conversations"]).status_code == 200


def test_a_recovery_code_lets_in_once(client: Client) -> None:
    dora = person("dora", roles.AGENT)
    TOTPDevice.objects.create(user=dora, name="phone", confirmed=True)
    [first, *_] = two_factor.recovery_codes(dora)
    for expected in (302, 200):
        client.force_login(dora)
        assert client.post("/admin/second-factor/", {"token": first}).status_code == expected


def test_adam_lets_dora_in_again_after_wrong_passwords(client: Client) -> None:
    dora = person("dora", roles.AGENT)
    url = reverse("admin:login")
    for _ in range(5):
        Client().post(url, {"username": "dora", "password": "guess"})
    assert Client().post(url, {"username": "dora", "password": PASSWORD}).status_code == 429
    client.force_login(person("adam", roles.ADMINISTRATOR))
    client.post("/admin/auth/user/", {"action": "unlock", "_selected_action": [dora.id]})
    assert Client().post(url, {"username": "dora", "password": PASSWORD}).status_code == 302


def test_adam_does_not_reset_the_factor_of_who_may_everything(client: Client) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    TOTPDevice.objects.create(user=root, name="phone", confirmed=True)
    client.force_login(person("adam", roles.ADMINISTRATOR))
    data = {"action": "reset_second_factor", "_selected_action": [root.id]}
    client.post("/admin/auth/user/", data)
    assert two_factor.has_device(root)


def test_adam_resets_the_factor_of_a_lost_phone(client: Client) -> None:
    dora = person("dora", roles.AGENT)
    TOTPDevice.objects.create(user=dora, name="phone", confirmed=True)
    client.force_login(person("adam", roles.ADMINISTRATOR))
    data = {"action": "reset_second_factor", "_selected_action": [dora.id]}
    assert client.post("/admin/auth/user/", data).status_code == 302
    assert not two_factor.has_device(dora)


# --- the lock-out


def test_after_five_wrong_passwords_even_the_right_one_waits(client: Client) -> None:
    person("dora", roles.AGENT)
    url = reverse("admin:login")
    for _ in range(5):
        answer = client.post(url, {"username": "dora", "password": "guess"})
    assert answer.status_code == 429
    assert "Try again in 15 minutes" in answer.content.decode()
    assert client.post(url, {"username": "dora", "password": PASSWORD}).status_code == 429
    elsewhere = client.post(url, {"username": "dora", "password": PASSWORD}, REMOTE_ADDR="10.0.0.9")
    assert elsewhere.status_code == 302, "dora herself, at her own desk"


# --- the audit log


def entries(**of: Any) -> list[tuple[str, str]]:
    found = LogEntry.objects.filter(**of).order_by("id")
    return [(one.get_action_display(), str(one.actor)) for one in found]


def test_reading_a_transcript_is_logged_once_in_a_while(client: Client, inbox: Inbox) -> None:
    conversation = talk(inbox, -0.2)
    client.force_login(person("dora", roles.AGENT))
    for _ in range(3):
        client.get(page_of(conversation))
    assert entries(object_pk=str(conversation.pk)) == [("access", "dora")]


def test_changes_are_logged_with_who_made_them_and_without_secrets(
    client: Client, inbox: Inbox
) -> None:
    client.force_login(person("adam", roles.ADMINISTRATOR))
    fields = {"name": "small", "model": "slm", "from_difficulty": "0", "enabled": "on"}
    management = {f"servers-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    client.post("/admin/chatbot/tier/add/", fields | management)
    assert entries(object_pk=str(Tier.objects.get().pk), content_type__model="tier") == [
        ("create", "adam")
    ]
    inbox.secret = "another"
    inbox.save()
    changes = str(LogEntry.objects.filter(content_type__model="inbox").latest("id").changes)
    assert "secret" in changes
    assert "another" not in changes
    assert PASSWORD not in str(list(LogEntry.objects.values_list("changes", flat=True)))


def test_whatever_somebody_may_change_in_the_admin_is_logged(rf: Any) -> None:
    request = rf.get("/")
    request.user = User.objects.create_superuser("root")
    admin.autodiscover()
    editable = {
        model
        for model, pages in admin.site._registry.items()
        if pages.has_change_permission(request)
    }
    assert {model.__name__ for model in editable if not auditlog.contains(model)} == set()
    assert len(editable) > 8


def test_an_entry_shows_that_a_secret_changed_and_nothing_of_it(inbox: Inbox) -> None:
    """The library alone would show the second half."""
    secret = inbox.secret
    inbox.secret = "a-new-one"
    inbox.save()
    source = Source.objects.create(name="erp", secrets=[{"secret": "whsec_old", "until": None}])
    source.secrets = [{"secret": "whsec_new", "until": None}]
    source.save()
    dora = person("dora", roles.AGENT)
    dora.set_password("another horse")
    dora.save()
    changes = str(list(LogEntry.objects.values_list("changes", flat=True)))
    for hidden in (secret[len(secret) // 2 :], "new-one", "whsec_", dora.password[-20:]):
        assert hidden not in changes
    assert entries(content_type__model="source")[-1][0] == "update"


def test_members_of_a_team_and_capacities_are_logged(client: Client) -> None:
    client.force_login(person("lena", roles.LEAD))
    dora = person("dora", roles.AGENT)
    fields = {"name": "Returns", "members": [dora.id], "topics": "refund"}
    assert client.post("/admin/chatbot/team/add/", fields).status_code == 302
    said = str(list(LogEntry.objects.filter(content_type__model="team").values("changes", "actor")))
    assert "dora" in said
    Presence.objects.create(user=dora)
    url = f"/admin/chatbot/presence/{dora.id}/change/"
    assert client.post(url, {"user": dora.id, "capacity": 9}).status_code == 302
    entry = LogEntry.objects.filter(content_type__model="presence").latest("id")
    assert (entry.changes, str(entry.actor)) == ({"capacity": ["5", "9"]}, "lena")


def test_setting_up_a_second_factor_and_revoking_a_key_are_logged(client: Client) -> None:
    adam = person("adam", roles.ADMINISTRATOR)
    client.force_login(adam)
    client.get("/admin/second-factor/")
    device = TOTPDevice.objects.get(user=adam)
    client.post("/admin/second-factor/", {"token": code(device)})
    assert ("update", "adam") in entries(content_type__model="totpdevice")
    assert device.key not in str(list(LogEntry.objects.values_list("changes", flat=True)))
    key, _ = keys.make("erp", ["records:read"])
    data = {"action": "revoke", "_selected_action": [key.id]}
    client.post("/admin/chatbot/apikey/", data)
    assert entries(content_type__model="apikey")[-1] == ("update", "adam")


def test_what_a_program_reads_of_a_conversation_is_logged_with_its_key(
    client: Client, inbox: Inbox
) -> None:
    conversation = talk(inbox, -0.2)
    _, key = keys.make("erp", ["conversations:read"])
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(2):
        client.get(f"/api/conversations/{conversation.pk}/messages/", headers=headers)
    client.get("/api/conversations/", headers=headers)
    entry = LogEntry.objects.get(object_pk=str(conversation.pk))
    assert entry.additional_data["by"].startswith("API key erp (atk_")
    client.force_login(person("olga", roles.AUDITOR))
    assert "API key erp" in client.get(PAGES["audit log"]).content.decode()


def test_the_audit_log_can_only_be_read(client: Client) -> None:
    person("dora", roles.AGENT)
    olga = person("olga", roles.AUDITOR)
    assert page(client, olga, PAGES["audit log"]) == 200
    entry = LogEntry.objects.latest("id")
    url = f"/admin/auditlog/logentry/{entry.pk}/"
    assert client.get(f"{url}change/").status_code == 200
    assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 403
