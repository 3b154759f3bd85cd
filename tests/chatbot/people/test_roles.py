"""Each role may do certain things with what the admin shows.

A model that is new fails here until somebody has said who it is for.
"""

from typing import Any
from unittest import mock

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import reverse

from chatbot.conversation import agents
from chatbot.models import Inbox, Team
from chatbot.people import roles
from tests.chatbot.admin.console import page_of, talk, text_of

NOBODY = "no role"
PEOPLE = [NOBODY, *roles.ALL]

# Model: what each role may do, of "see add change delete". Not named: nothing of it.
OWN_RECORD = dict.fromkeys(roles.ALL, "see")
LEADS_OWN = {
    roles.LEAD: "see add change delete",
    roles.ADMINISTRATOR: "see add change delete",
    roles.AUDITOR: "see",
}
ADMINISTRATORS_OWN = {roles.ADMINISTRATOR: "see add change delete", roles.AUDITOR: "see"}
READ_BY_LEADS = {roles.LEAD: "see", roles.ADMINISTRATOR: "see", roles.AUDITOR: "see"}
READ_ABOVE_LEADS = {roles.ADMINISTRATOR: "see", roles.AUDITOR: "see"}
MAY: dict[str, dict[str, str]] = {
    "chatbot.conversation": OWN_RECORD,
    "chatbot.correction": OWN_RECORD,
    "chatbot.actionrequest": OWN_RECORD,
    "crm.customer": OWN_RECORD,
    "crm.record": OWN_RECORD,
    "chatbot.cannedanswer": LEADS_OWN,
    "chatbot.team": LEADS_OWN,
    "crm.article": LEADS_OWN | {roles.AGENT: "see"},
    "chatbot.case": LEADS_OWN,
    "chatbot.testrun": LEADS_OWN,
    "crm.import": LEADS_OWN,
    "crm.importplan": LEADS_OWN,
    "crm.website": LEADS_OWN,
    "chatbot.figure": READ_BY_LEADS,
    # Buttons change it; it has no form.
    "chatbot.gap": READ_BY_LEADS,
    "crm.inboundevent": READ_BY_LEADS,
    "chatbot.presence": LEADS_OWN | {roles.LEAD: "see change"},
    # Nobody adds one: a kind appears when a customer asks about its records.
    "crm.recordkind": {
        roles.LEAD: "see change",
        roles.ADMINISTRATOR: "see change delete",
        roles.AUDITOR: "see",
    },
    "chatbot.inbox": ADMINISTRATORS_OWN | {roles.LEAD: "see change"},
    "chatbot.action": ADMINISTRATORS_OWN | {roles.LEAD: "see"},
    "crm.source": ADMINISTRATORS_OWN | {roles.LEAD: "see"},
    "chatbot.tier": ADMINISTRATORS_OWN,
    "crm.endpoint": ADMINISTRATORS_OWN,
    "auth.user": ADMINISTRATORS_OWN,
    "auth.group": ADMINISTRATORS_OWN,
    "chatbot.apikey": {roles.ADMINISTRATOR: "see add change", roles.AUDITOR: "see"},
    "crm.delivery": READ_ABOVE_LEADS,
    "chatbot.erasure": READ_ABOVE_LEADS,
    # An administrator does not keep the book about what administrators do.
    "auditlog.logentry": {roles.AUDITOR: "see"},
}


def person(role: str) -> User:
    user = User.objects.create_user("somebody", is_staff=True)
    if role != NOBODY:
        user.groups.add(Group.objects.get(name=role))
    return user


admin.autodiscover()
MODELS = sorted(model._meta.label_lower for model in admin.site._registry)


def test_every_model_with_a_page_has_a_line_here() -> None:
    assert sorted(MAY) == MODELS


def allowed(client: Client, label: str, row: Any) -> set[str]:
    """Find out by trying what this person can do with it."""
    app, model = label.split(".")
    at = f"admin:{app}_{model}"
    one = [quote(row.pk)]
    can = set()
    seen = [client.get(reverse(f"{at}_changelist")), client.get(reverse(f"{at}_change", args=one))]
    seen.append(client.get(reverse(f"{at}_history", args=one)))
    assert len({answer.status_code for answer in seen}) == 1, "its pages do not agree"
    if seen[0].status_code == 200:
        can.add("see")
    if client.get(reverse(f"{at}_add")).status_code == 200:
        can.add("add")
    # What the form says to an empty one is no matter: that it is read is.
    if client.post(reverse(f"{at}_change", args=one), {}).status_code != 403:
        can.add("change")
    if client.get(reverse(f"{at}_delete", args=one)).status_code == 200:
        can.add("delete")
    return can


@pytest.mark.slow
@pytest.mark.parametrize("role", PEOPLE)
def test_what_each_role_may_do_with_each_thing(
    client: Client, things: dict[str, Any], role: str
) -> None:
    client.force_login(person(role))
    things["auditlog.logentry"] = LogEntry.objects.latest("id")
    # What a page shows is another matter, and a third of the work.
    with mock.patch.object(SimpleTemplateResponse, "rendered_content", ""):
        found = {label: allowed(client, label, things[label]) for label in MODELS}
    wanted = {label: set(MAY[label].get(role, "").split()) for label in MODELS}
    assert found == wanted


# --- beyond the rights on models


@pytest.mark.django_db
def test_an_administrator_makes_nobody_a_superuser(client: Client) -> None:
    adam = person(roles.ADMINISTRATOR)
    root = User.objects.create_superuser("root", password="x")
    client.force_login(adam)
    page = reverse("admin:auth_user_change", args=[adam.pk])
    html = client.get(page).content.decode()
    assert 'name="is_superuser"' not in html
    assert 'name="user_permissions"' not in html
    client.post(page, {"username": "somebody", "is_superuser": "on", "is_staff": "on"})
    assert not User.objects.get(pk=adam.pk).is_superuser
    for name in ("change", "delete"):
        url = reverse(f"admin:auth_user_{name}", args=[root.pk])
        assert client.post(url, {"post": "yes"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[root.pk])
    assert client.get(password).status_code == 403
    assert User.objects.filter(pk=root.pk, is_superuser=True).exists()


@pytest.mark.django_db
def test_nobody_sees_the_keys_of_second_factors(client: Client) -> None:
    client.force_login(User.objects.create_superuser("root"))
    for address in ("otp_totp/totpdevice/", "otp_static/staticdevice/"):
        assert client.get(f"/admin/{address}").status_code == 404


@pytest.mark.django_db
def test_a_team_says_who_is_asked_first_and_hides_nothing(client: Client) -> None:
    """Dora's team answers for the shop; a customer who waits elsewhere goes to anybody who is free,
    so she sees both inboxes."""
    shop, club = (Inbox.objects.create(key=key, name=key) for key in ("shop", "club"))
    dora = person(roles.AGENT)
    team = Team.objects.create(name="Shop")
    team.members.add(dora)
    team.inboxes.add(shop)
    waiting = talk(club, -0.5, state="waiting")
    client.force_login(dora)
    assert "Sentence 1" in text_of(client, page_of(waiting))
    agents.take_over(waiting, dora)
    waiting.refresh_from_db()
    assert waiting.agent == dora
