"""Whatever is sent, the API does what its description says: schemathesis, over every operation.

Its cases are those that cover each field and its limits, right and wrong, and some made at random.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from chatbot.api import keys
from chatbot.attachments import store
from chatbot.people import identity
from chatbot.wire import limits
from crm import signing
from crm.models import Endpoint, Source
from crm.outbound import outbox
from crm.plumbing import destinations
from tests.chatbot.attachments.files import PDF
from tests.chatbot.programs import Program, order, talk

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# At random, beside those that cover each field: 40 of an operation on average.
EXAMPLES = 5
LISTED = "127.0.0.1:9000"
URL = f"http://{LISTED}/"
# Beyond a description: whether a URL is on the operators' list, a token real, a mapping complete.
JUDGED = [positive_data_acceptance]
# Rows that do not fit are named in the answer, and the rest are stored.
LENIENT = {("POST", "/api/records/")}


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Program:
    """May everything."""

    def unknown(host: str, port: int, resolve: Any) -> Any:
        if literal := destinations.address_of(host):
            return [literal]
        raise destinations.DestinationRefused(f"{host} cannot be resolved.")

    monkeypatch.setattr(destinations, "resolved", unknown)
    monkeypatch.setattr(limits, "take", lambda *_: None)
    settings.WEBHOOK_ALLOWED = [LISTED]
    return Program(*keys.SCOPES)


@pytest.fixture
def there(program: Program) -> Iterator[dict[str, Any]]:
    """One of each, by the first word of its address."""
    program.ask("POST", "records/", [order(1)])
    source = Source.objects.create(name="shop", secrets=signing.rotated([]))
    endpoint = Endpoint.objects.create(url=URL, secrets=signing.rotated([]))
    conversation = talk()
    found = {
        "attachments": str(store.keep(conversation, "scan.pdf", PDF).id),
        "visitor": identity.issue(conversation.visitor)[0],
        "records": "order:1",
        "customers": "cust_1",
        "conversations": str(conversation.id),
        "inboxes": "shop",
        "sources": source.name,
        "endpoints": endpoint.id,
        "deliveries": outbox.send_test(endpoint).id,
    }
    # A request of WSGI ends with its connection, which here holds the test's transaction. Django's
    # own client, which has stored the order, sees to that by itself.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield found
    for signal in signals:
        signal.connect(close_old_connections)


api = schemathesis.openapi.from_wsgi("/api/schema?format=json", get_wsgi_application())


@api.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_the_description_holds(case: Any, program: Program, there: dict[str, Any]) -> None:
    aimed(case, there)
    excluded = list(JUDGED)
    if (case.method, case.operation.path) in LENIENT:
        excluded.append(negative_data_rejection)
    # A case about wrong headers is sent with those that it has.
    wrong = case.meta.is_negative_at(ParameterLocation.HEADER)
    of_visitor = case.operation.path.startswith("/api/attachments/")
    key = there["visitor"] if of_visitor else program.key
    headers = {} if wrong else {"Authorization": f"Bearer {key}"}
    case.call_and_validate(headers=headers, excluded_checks=excluded)


def aimed(case: Any, there: dict[str, Any]) -> None:
    """At what is there: at something else, most of what is wrong would not be looked at."""
    if not case.meta.is_negative_at(ParameterLocation.PATH):
        for name in case.path_parameters:
            case.path_parameters[name] = there[case.operation.path.split("/")[2]]
    if isinstance(case.body, dict) and isinstance(case.body.get("url"), str):
        case.body["url"] = URL
