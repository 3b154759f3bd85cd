"""One of each thing that the admin shows, for the tests of roles."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from chatbot.models import (
    Action,
    ActionRequest,
    ApiKey,
    CannedAnswer,
    Case,
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
from tests.chatbot.admin.console import talk


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
