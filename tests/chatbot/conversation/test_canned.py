"""Canned answers: dora sends them to alice."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from chatbot.admin.canned import CannedAnswerForm
from chatbot.conversation import canned
from chatbot.models import ApiKey, CannedAnswer, Conversation, Inbox, Team, Visitor
from crm.admin.list_field import LinesField
from crm.models import Customer, Record

pytestmark = pytest.mark.django_db
TEXT = "Hello {customer}, {agent} from {inbox} here. I look at {order}."


def conversation(customer: Customer | None) -> Conversation:
    inbox, _ = Inbox.objects.get_or_create(key="shop", name="Shop")
    visitor = Visitor.objects.create(inbox=inbox, customer=customer)
    return Conversation.objects.create(visitor=visitor)


def text(of: Conversation) -> str:
    dora, _ = User.objects.get_or_create(username="dora", first_name="Dora")
    return canned.answers(of, dora)[0]["text"]


def test_the_customers_own_facts_are_filled_in() -> None:
    CannedAnswer.objects.create(shortcut="hello", text=TEXT)
    alice = Customer.objects.create(id="alice", name="Alice")
    for number, day in ((1, "2026-01-01"), (2, "2026-03-01"), (3, None)):
        Record.objects.create(
            id=f"order:{number}",
            kind="order",
            customer=alice,
            title=f"Order {number}",
            updated_at="2026-03-02T00:00Z",
            latest=day,
        )
    assert text(conversation(alice)) == "Hello Alice, Dora from Shop here. I look at Order 2."


def test_what_is_not_known_stays_for_dora_to_see() -> None:
    CannedAnswer.objects.create(shortcut="hello", text=TEXT)
    assert text(conversation(None)) == ("Hello {customer}, Dora from Shop here. I look at {order}.")


def test_each_inbox_has_its_own_and_the_common_ones() -> None:
    other = Inbox.objects.create(key="other", name="Other")
    CannedAnswer.objects.create(shortcut="theirs", text="x", inbox=other)
    CannedAnswer.objects.create(shortcut="common", text="y")
    dora = User.objects.create(username="dora")
    found = canned.answers(conversation(None), dora)
    assert [one["shortcut"] for one in found] == ["common"]


def test_a_customer_named_like_a_variable_is_filled_in_once() -> None:
    mallory = Customer.objects.create(id="m", name="{agent}")
    CannedAnswer.objects.create(shortcut="hello", text="{customer}")
    assert text(conversation(mallory)) == "{agent}"


def test_a_variable_that_does_not_exist_is_refused() -> None:
    form = CannedAnswerForm({"shortcut": "x", "text": "Hello {name}"})
    assert "{name} is not known." in str(form.errors["text"])


def test_what_people_are_shown_must_show_something() -> None:
    form = CannedAnswerForm({"shortcut": "x", "text": "\u200b\u3164"})
    assert "This text has no visible characters." in str(form.errors["text"])
    for shown in (Inbox(name="\u3164"), Team(name="\u2800"), ApiKey(name="\u200b")):
        with pytest.raises(ValidationError) as caught:
            shown.clean_fields()
        assert "name" in caught.value.message_dict


def test_a_line_of_a_list_that_shows_nothing_is_left_out() -> None:
    field = LinesField(str.strip, "refund", "")
    assert field.to_python("refund\n\u200b\n \nsend back") == ["refund", "send back"]
