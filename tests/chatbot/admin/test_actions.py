"""Actions in the admin: nobody can switch on what nobody would carry out."""

from typing import Any

import pytest
from django.core.checks import Tags, run_checks
from django.test import Client

from chatbot.conversation import crm_requests
from chatbot.models import Action, Inbox
from crm.models import Endpoint
from tests.chatbot.admin.console import staff, text_of
from tests.chatbot.requests import CALL, call_back, endpoint

pytestmark = pytest.mark.django_db
URL = "/admin/chatbot/action/"


@pytest.fixture
def crm() -> Endpoint:
    return endpoint()


def form(
    inbox: Inbox, crm: Endpoint | None, *rows: dict[str, Any], **values: Any
) -> dict[str, Any]:
    head = {
        "inbox": inbox.id,
        "name": "Open a return",
        "key": "open_return",
        "text": "We open it.",
        "words": "return\nsend back",
        "signed_in": "on",
        "endpoints": [crm.id] if crm else [],
        "patience": 10,
        "active": "on",
        "fields-TOTAL_FORMS": len(rows),
        "fields-INITIAL_FORMS": 0,
    }
    fields = {
        f"fields-{place}-{name}": value
        for place, row in enumerate(rows)
        for name, value in row.items()
    }
    return {name: value for name, value in (head | fields | values).items() if value != ""}


def row(**values: Any) -> dict[str, Any]:
    usual = {"position": 0, "label": "Order", "name": "order", "kind": "record"}
    return usual | {"options": "order", "required": "on"} | values


def test_an_action_is_written_with_its_fields(root: Client, inbox: Inbox, crm: Endpoint) -> None:
    more = row(
        position=1, label="Reason", name="reason", kind="choice", options="Broken\nToo small"
    )
    assert root.post(f"{URL}add/", form(inbox, crm, row(), more)).status_code == 302
    action = Action.objects.get()
    assert (action.words, list(action.endpoints.all())) == (["return", "send back"], [crm])
    assert [(one.kind, one.options) for one in action.fields.all()] == [
        ("record", ["order"]),
        ("choice", ["Broken", "Too small"]),
    ]
    assert "http://crm:80/" in text_of(root, URL)


@pytest.mark.parametrize(
    ("changed", "rows", "words"),
    [
        ({"endpoints": []}, [], "an endpoint must carry it out"),
        ({"words": ""}, [], "This field is required"),
        ({"signed_in": ""}, [row()], "needs a signed-in customer"),
        ({}, [row(options="")], "or the kinds of records"),
        ({}, [row(kind="password")], "not one of the available choices"),
    ],
)
def test_what_would_not_work_is_refused(
    root: Client, inbox: Inbox, crm: Endpoint, changed: Any, rows: Any, words: str
) -> None:
    assert words in root.post(f"{URL}add/", form(inbox, crm, *rows, **changed)).text
    assert not Action.objects.exists()


def test_switched_off_it_needs_no_endpoint(root: Client, inbox: Inbox) -> None:
    assert root.post(f"{URL}add/", form(inbox, None, active="")).status_code == 302


def test_a_check_names_what_is_offered_to_nobody(inbox: Inbox, crm: Endpoint) -> None:
    def found() -> list[str]:
        return [
            f"{one.msg} {one.hint}"
            for one in run_checks(tags=[Tags.database], databases=["default"])
        ]

    action = call_back(inbox, crm)
    assert found() == []
    Endpoint.objects.update(active=False)
    (told,) = found()
    assert "Request a call back" in told and f"{URL}{action.id}/change/" in told
    assert not [one for one in run_checks() if one.id == "attune.W009"]


def test_requests_are_read_and_not_changed(client: Client, inbox: Inbox, crm: Endpoint) -> None:
    from chatbot.conversation import customers
    from chatbot.models import Visitor

    talk = customers.conversation_of(Visitor.objects.create(inbox=inbox))
    crm_requests.propose(talk, call_back(inbox, crm).id, [])
    request = talk.requests.get()
    crm_requests.confirm(talk, str(request.id), CALL)
    bob = staff(client, "bob", "view_actionrequest")
    page = f"/admin/chatbot/actionrequest/{request.id}/change/"
    assert "Phone: +353 20 911 0938" in text_of(bob, page)
    assert "Sent to the CRM" in text_of(bob, "/admin/chatbot/actionrequest/")
    assert bob.post(page, {"state": "accepted"}).status_code == 403
    assert bob.get(URL).status_code == 403
