"""Each page of the admin and each frame of the live inbox is for certain roles.

A page or a frame that is new fails here until somebody has said who it is for.
"""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from auditlog.models import LogEntry
from channels.db import database_sync_to_async
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from chatbot.console.consumer import AgentConsumer
from chatbot.models import Conversation
from chatbot.people import roles
from chatbot.wire.json_socket import FORBIDDEN
from tests.chatbot.admin.console import text_of
from tests.chatbot.console.test_socket import ConsoleTestCase
from tests.chatbot.people.test_roles import MAY, MODELS, NOBODY, PEOPLE, person
from tests.chatbot.sockets import PATIENCE

# Pages beside those that every model has: the roles that get to them (others: 403).
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


def pages(patterns: list[Any]) -> Iterator[URLPattern]:
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from pages(one.url_patterns)
        else:
            yield one


def test_every_page_of_the_admin_has_a_line_here() -> None:
    usual = {"changelist", "add", "history", "delete", "change"}
    of_models = {f"{label.replace('.', '_')}_{page}" for label in MODELS for page in usual}
    names = {page.name for page in pages(admin.site.urls[0])}
    assert names - of_models == set(OWN_PAGES) | EVERYBODYS


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
        """Tell whether the frame was forbidden; a list asked for after it ends the wait."""
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
