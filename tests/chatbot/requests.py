"""A shop whose CRM opens returns and calls back; alice and bob have an order each."""

from typing import Any

from chatbot.conversation import crm_requests
from chatbot.models import Action, ActionField, ActionRequest, Conversation, Inbox, Visitor
from chatbot.wire.protocol import ActionFrame
from crm import signing
from crm.models import Endpoint
from crm.outbound import outbox
from tests.fakes import ALICE, FakeModelsTestCase

RETURN = {"order": "order:50001", "reason": "Too small"}
CALL = {"phone": "+353 20 911 0938"}


def endpoint(**values: Any) -> Endpoint:
    made = Endpoint.objects.create(url="http://crm:80/", secrets=signing.rotated([]), **values)
    outbox.forget()
    return made


def open_return(inbox: Inbox, *endpoints: Endpoint) -> Action:
    action = Action.objects.create(
        inbox=inbox, key="open_return", name="Open a return", text="We open it.", words=["return"]
    )
    action.endpoints.set(endpoints)
    add(action, "order", "record", ["order"])
    add(action, "reason", "choice", ["Too small", "Broken"])
    add(action, "more", "text", required=False)
    return action


def call_back(inbox: Inbox, *endpoints: Endpoint) -> Action:
    action = Action.objects.create(
        inbox=inbox,
        key="call_back",
        name="Request a call back",
        text="We call.",
        words=["call back"],
        signed_in=False,
    )
    action.endpoints.set(endpoints)
    add(action, "phone", "phone")
    return action


def add(action: Action, name: str, kind: str, options: Any = (), required: bool = True) -> None:
    place = action.fields.count()
    ActionField.objects.create(
        action=action,
        name=name,
        label=name.capitalize(),
        kind=kind,
        options=list(options),
        required=required,
        position=place,
    )


class RequestsTestCase(FakeModelsTestCase):
    def setUp(self) -> None:
        super().setUp()
        outbox.forget()
        self.addCleanup(outbox.forget)
        self.inbox = Inbox.objects.create(key="shop", name="Shop")
        self.crm = endpoint()
        self.returns = open_return(self.inbox, self.crm)
        self.calls = call_back(self.inbox, self.crm)
        self.conversation = self.talk(ALICE)

    def talk(self, customer: str | None) -> Conversation:
        visitor = Visitor.objects.create(inbox=self.inbox, customer_id=customer)
        conversation = customer.conversation_of(visitor)
        customer.receive(conversation, "m1", "hello")
        return conversation

    def propose(
        self,
        action: Action | None = None,
        named: list[str] | None = None,
        of: Conversation | None = None,
    ) -> ActionRequest:
        conversation, action = of or self.conversation, action or self.returns
        crm_requests.propose(conversation, action.id, named or [])
        return conversation.requests.get(state="proposed", action=action)

    def frame(self, of: Conversation | None = None) -> ActionFrame:
        return crm_requests.frames(of or self.conversation)[-1]

    def now(self) -> Conversation:
        return Conversation.objects.get(id=self.conversation.id)

    def said(self) -> list[str]:
        return list(self.conversation.messages.values_list("text", flat=True))
