"""What each role sees and does, on every page of the admin and with every frame of the live inbox.

A page or a frame that is new fails here until somebody has said who it is for.
"""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from auditlog.models import LogEntry
from channels.db import database_sync_to_async
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone

from chatbot.console.consumer import AgentConsumer
from chatbot.conversation import agents
from chatbot.models import (
    Action,
    ActionRequest,
    ApiKey,
    CannedAnswer,
    Case,
    Conversation,
    Correction,
    Erasure,
    Gap,
    Inbox,
    Presence,
    Team,
    TestRun,
    Tier,
)
from chatbot.models import Figure as FigureRow
from chatbot.people import roles
from chatbot.wire.json_socket import FORBIDDEN
from crm.models import (
    Article,
    Customer,
    Delivery,
    Endpoint,
    Import,
    ImportPlan,
    InboundEvent,
    Record,
    RecordKind,
    Source,
    Website,
)
from tests.chatbot.admin.console import page_of, talk, text_of
from tests.chatbot.console.test_socket import ConsoleTestCase
from tests.chatbot.sockets import PATIENCE

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
    "chatbot.apikey": {roles.ADMINISTRATOR: "see change", roles.AUDITOR: "see"},
    "crm.delivery": READ_ABOVE_LEADS,
    "chatbot.erasure": READ_ABOVE_LEADS,
    # Who administers does not keep the book about it.
    "auditlog.logentry": {roles.AUDITOR: "see"},
}
# Pages beside those that every model has: what a GET answers to whom (others: 403).
LEADS = {roles.LEAD, roles.ADMINISTRATOR}
GAP_PAGES = [f"gap-{button}" for button in ("ask", "stop", "close", "ignore", "open")]
OWN_PAGES = {
    "live": set(roles.ALL),
    "answering-records": LEADS | {roles.AGENT},
    "teach": LEADS | {roles.AGENT},
    "upload-cases": LEADS,
    "export-cases": LEADS | {roles.AUDITOR},
    "playground": LEADS | {roles.AUDITOR},
    "playground-customers": LEADS | {roles.AUDITOR},
    "playground-records": LEADS | {roles.AUDITOR},
    "playground-keep": LEADS,
    "test-run-progress": LEADS | {roles.AUDITOR},
    "article-preview": LEADS,
    "article-versions": set(roles.ALL),
    "article-version": set(roles.ALL),
    "article-restore": LEADS,
    "import-progress": LEADS | {roles.AUDITOR},
    "import-errors": LEADS | {roles.AUDITOR},
    "import-cancel": LEADS,
    "website-progress": LEADS | {roles.AUDITOR},
    "website-read": LEADS,
    "website-stop": LEADS,
    "crm_import_import_files": LEADS,
    "crm_importplan_import_now": LEADS,
    "crm_importplan_remove_all": LEADS,
    "dashboard": LEADS | {roles.AUDITOR},
    "alerts": LEADS,
    "guidance": LEADS,
    "look": LEADS,
    "new-look": {roles.ADMINISTRATOR},
    "setup": LEADS,
    "setup-dismiss": LEADS,
    **dict.fromkeys(GAP_PAGES, LEADS),
    "erase-customer": {roles.ADMINISTRATOR},
    "export-customer": {roles.ADMINISTRATOR},
    "crm_customer_erase": {roles.ADMINISTRATOR},
    "crm_customer_export": {roles.ADMINISTRATOR},
    "crm_customer_link": {roles.ADMINISTRATOR},
    "crm_endpoint_test": {roles.ADMINISTRATOR},
    "crm_endpoint_rotate": {roles.ADMINISTRATOR},
    "crm_endpoint_again": {roles.ADMINISTRATOR},
    "crm_delivery_send_this_again": {roles.ADMINISTRATOR},
    "crm_source_rotate": {roles.ADMINISTRATOR},
    "source-preview": {roles.ADMINISTRATOR},
    "attach": LEADS | {roles.AGENT},
    "auth_user_password_change": {roles.ADMINISTRATOR},
}
# Of everybody who may log in; the search and the list of pages name only what the person may see.
EVERYBODYS = {"search", "index", "password_change", "password_change_done", "jsi18n", "app_list"}
EVERYBODYS |= {"login", "logout", "autocomplete", "view_on_site", None}


def person(role: str) -> User:
    user = User.objects.create_user("somebody", is_staff=True)
    if role != NOBODY:
        user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def things(db: None) -> dict[str, Any]:
    """One of each, with its model's label."""
    inbox = Inbox.objects.create(key="shop", name="Shop")
    customer = Customer.objects.create(id="cust_1", name="Alice Ash")
    conversation = talk(inbox, -0.5, customer=customer)
    other = User.objects.create_user("other")
    source = Source.objects.create(name="erp", secrets=[])
    endpoint = Endpoint.objects.create(url="https://crm.corp:8443/hooks", secrets=[])
    now = timezone.now()
    found = [
        conversation,
        customer,
        inbox,
        source,
        endpoint,
        other,
        Correction.objects.create(message=conversation.messages.get(), label="neutral"),
        Record.objects.create(id="order:1", title="Order 1", kind="order", updated_at=now),
        CannedAnswer.objects.create(shortcut="sorry", text="Sorry"),
        Team.objects.create(name="Returns"),
        FigureRow.objects.create(day=now.date(), inbox=inbox, measure="conversations"),
        InboundEvent.objects.create(source=source, event_id="1", type="nothing", body="{}"),
        Presence.objects.create(user=other),
        Tier.objects.create(name="small", model="slm"),
        RecordKind.objects.create(name="order", status="status"),
        Group.objects.get(name=roles.AGENT),
        ApiKey.objects.create(name="erp", prefix="atk_1", digest="x"),
        Delivery.objects.create(endpoint=endpoint, event_id="1", type="x", body="{}"),
        Erasure.objects.create(customer="cust_9"),
        Gap.objects.create(label="Do you wrap gifts?"),
        Case.objects.create(question="Do you wrap gifts?"),
        TestRun.objects.create(name="All active test questions"),
        Article.objects.create(title="Gifts", body="We wrap gifts."),
        Import.objects.create(name="orders.csv"),
        ImportPlan.objects.create(name="Orders", namespace="orders"),
        Website.objects.create(start="https://help.intranet/"),
        (wish := Action.objects.create(inbox=inbox, key="call", name="Request a call back")),
        ActionRequest.objects.create(conversation=conversation, action=wish, seq=1),
    ]
    return {row._meta.label_lower: row for row in found}


def pages(patterns: list[Any]) -> Iterator[URLPattern]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from pages(one.url_patterns)
        else:
            yield one


MODELS = sorted(model._meta.label_lower for model in admin.site._registry)


def test_every_model_with_a_page_has_a_line_here() -> None:
    assert sorted(MAY) == MODELS


def test_every_page_of_the_admin_has_a_line_here() -> None:
    usual = {"changelist", "add", "history", "delete", "change"}
    of_models = {f"{label.replace('.', '_')}_{page}" for label in MODELS for page in usual}
    names = {page.name for page in pages(admin.site.urls[0])}
    assert names - of_models == set(OWN_PAGES) | EVERYBODYS


def allowed(client: Client, label: str, row: Any) -> set[str]:
    """What this person can do with it, found out by trying."""
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


@pytest.mark.slow
@pytest.mark.parametrize("role", PEOPLE)
def test_who_gets_to_the_pages_of_their_own(
    client: Client, things: dict[str, Any], role: str
) -> None:
    client.force_login(somebody := person(role))
    Conversation.objects.update(state="agent", agent=somebody)
    arguments = {
        "live": [],
        "dashboard": [],
        "answering-records": [things["chatbot.conversation"].pk],
        "teach": [things["chatbot.conversation"].pk, 1],
        "upload-cases": [],
        "export-cases": [],
        "playground": [],
        "playground-customers": [],
        "playground-records": [],
        "playground-keep": [],
        "test-run-progress": [things["chatbot.testrun"].pk],
        "article-preview": [],
        "article-versions": [things["crm.article"].pk],
        "article-version": [things["crm.article"].pk, 1],
        "article-restore": [things["crm.article"].pk, 1],
        "import-progress": [things["crm.import"].pk],
        "import-errors": [things["crm.import"].pk],
        "import-cancel": [things["crm.import"].pk],
        "website-progress": [things["crm.website"].pk],
        "website-read": [things["crm.website"].pk],
        "website-stop": [things["crm.website"].pk],
        "crm_import_import_files": [],
        "crm_importplan_import_now": [things["crm.importplan"].pk],
        "crm_importplan_remove_all": [things["crm.importplan"].pk],
        "alerts": [things["chatbot.inbox"].pk],
        "guidance": [things["chatbot.inbox"].pk],
        "look": [things["chatbot.inbox"].pk],
        "new-look": [],
        "setup": [],
        "setup-dismiss": [],
        **{page: [things["chatbot.gap"].pk] for page in GAP_PAGES},
        "auth_user_password_change": [things["auth.user"].pk],
        "crm_endpoint_test": [things["crm.endpoint"].pk],
        "crm_endpoint_rotate": [things["crm.endpoint"].pk],
        "crm_endpoint_again": [things["crm.endpoint"].pk],
        "crm_delivery_send_this_again": [things["crm.delivery"].pk],
        "crm_source_rotate": [things["crm.source"].pk],
        "source-preview": [],
        "attach": [things["chatbot.conversation"].pk],
    }
    ways_in = set()
    for name in OWN_PAGES:
        url = reverse(f"admin:{name}", args=arguments.get(name, ["cust_1"]))
        answer = client.get(url)
        if answer.status_code == 405:
            answer = client.post(url)
        if answer.status_code != 403:
            ways_in.add(name)
    assert ways_in == {name for name, who in OWN_PAGES.items() if role in who}


@pytest.mark.parametrize("role", PEOPLE)
def test_the_sidebar_and_the_search_name_what_the_role_may_see(
    client: Client, things: dict[str, Any], role: str
) -> None:
    client.force_login(person(role))
    html = "".join(text_of(client, url) for url in ("/admin/", "/admin/search/?s=a"))
    named = {label for label in MODELS if f'href="/admin/{label.replace(".", "/")}/' in html}
    assert named <= {label for label, who in MAY.items() if role in who}


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
    """Dora's team answers for the shop; who waits elsewhere goes to anybody who is free, so she
    sees both inboxes."""
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


# --- the live inbox's frames

LOOKS = {"ping", "list", "save_view", "drop_view", "open"}
ABOUT_NO_CONVERSATION = {"list", "save_view", "drop_view", "away", "ping"}
ACTS = set(roles.ROLES) | {roles.ADMINISTRATOR}
# What each needs beside its conversation.
FIELDS: dict[str, dict[str, Any]] = {
    "list": {},
    "save_view": {"name": "x"},
    "drop_view": {"name": "x"},
    "ping": {},
    "open": {},
    "take": {},
    "hand_back": {},
    "resolve": {},
    "acknowledge": {},
    "snooze": {"minutes": 5},
    "pass_on": {"to": "dora"},
    "message": {"id": "1", "text": "Hello"},
    "note": {"text": "x"},
    "away": {"value": 0},
    "typing": {},
    "suggest": {},
    "correct": {"seq": 1, "label": "neutral"},
    "teach": {"seq": 1, "verdict": "right"},
    "summarise": {},
    "summary": {"problem": "", "tried": "", "question": ""},
}


class FrameTests(ConsoleTestCase):
    def test_every_frame_has_a_line_here(self) -> None:
        self.assertEqual(set(FIELDS), set(AgentConsumer.accepted.names))

    async def forbidden_to(self, role: str) -> set[str]:
        socket = await self.opened(await database_sync_to_async(person)(role))
        found = set()
        for kind, fields in FIELDS.items():
            about = {} if kind in ABOUT_NO_CONVERSATION else {"conversation": self.id}
            await socket.say(type=kind, **about, **fields)
            if await self.refuses(socket):
                found.add(kind)
        return found

    async def refuses(self, socket: Any) -> bool:
        """Whether the frame was forbidden; a list asked for after it ends the wait."""
        await socket.say(type="list", view="closed", search=f"{id(socket)}")
        heard = await socket.until(type="rows", total=0)
        return any(frame.get("code") == "forbidden" for frame in heard)

    async def test_who_answers_customers_may_send_each(self) -> None:
        self.assertEqual(await self.forbidden_to(roles.AGENT), set())

    async def test_a_lead_may_too(self) -> None:
        self.assertEqual(await self.forbidden_to(roles.LEAD), set())

    async def test_an_administrator_may_too(self) -> None:
        self.assertEqual(await self.forbidden_to(roles.ADMINISTRATOR), set())

    async def test_an_auditor_looks_and_does_nothing(self) -> None:
        self.assertEqual(await self.forbidden_to(roles.AUDITOR), set(FIELDS) - LOOKS)

    async def test_without_a_role_nobody_is_let_in(self) -> None:
        await self.page_of(await database_sync_to_async(person)(NOBODY))
        self.assertFalse(self.accepted)

    async def test_who_has_lost_the_right_or_logged_out_hears_nothing_more(self) -> None:
        for end in (self.switched_off, self.logged_out):
            with mock.patch("chatbot.people.presence.BEATS_EVERY", 0.05):
                socket = await self.opened(self.dora)
                await database_sync_to_async(end)()
                closed = await socket.receive_output(PATIENCE)
            self.assertEqual((closed["type"], closed["code"]), ("websocket.close", FORBIDDEN))
            await User.objects.filter(id=self.dora.id).aupdate(is_active=True)

    async def test_what_an_agent_does_in_the_live_inbox_is_logged_as_theirs(self) -> None:
        socket = await self.opened(self.dora)
        await socket.say(type="correct", conversation=self.id, seq=1, label="neutral")
        await socket.until(type="corrected")
        await socket.say(type="note", conversation=self.id, text="Ring her up")
        await socket.until(type="note")
        kinds = ("correction", "note")
        found = LogEntry.objects.filter(content_type__model__in=kinds).select_related("actor")
        self.assertEqual([str(one.actor) async for one in found], ["dora", "dora"])

    def switched_off(self) -> None:
        User.objects.filter(id=self.dora.id).update(is_active=False)

    def logged_out(self) -> None:
        Session.objects.all().delete()
