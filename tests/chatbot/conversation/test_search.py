"""Finding conversations by what was said in them, and by who the customer is."""

from collections.abc import Iterator
from unittest import mock

import pytest

from chatbot.conversation import search
from chatbot.models import Conversation, Inbox
from crm.models import Customer
from tests.chatbot.admin.console import say, talk

pytestmark = [pytest.mark.django_db, pytest.mark.services]


@pytest.fixture(autouse=True, params=["rare words", "common words"])
def both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is found does not depend on how it is looked for."""
    most = 0 if request.param == "common words" else search.COMMON
    with mock.patch("chatbot.conversation.search.COMMON", most):
        yield


@pytest.fixture
def alice() -> Conversation:
    inbox = Inbox.objects.create(key="shop", name="Shop")
    alice = Customer.objects.create(id="cust_77", name="Alice Ash")
    conversation = talk(inbox, 0.1, customer=alice)
    say(conversation, 2, "customer", "My kettle's lid broke, it's order FHP-26104821!")
    say(conversation, 3, "bot", "Write to help@shop.example or look at C:\\manuals")
    bob = talk(inbox, 0.1, customer=Customer.objects.create(id="cust_78", name="Bob"))
    say(bob, 2, "customer", "The tent pole snapped")
    return conversation


def found(text: str) -> list[Conversation]:
    return list(Conversation.objects.filter(search.matching(text)))


@pytest.mark.parametrize(
    "text",
    [
        "kettle",
        "KETTLE",
        "kett",
        "broke kettle",
        "kettle's",
        "it's",
        "FHP-26104821",
        "help@shop.example",
        "C:\\manuals",
        "kettle help",
        "alice",
        "Ash kettle",
        "cust_77",
    ],
)
def test_every_word_was_said_somewhere_in_it_or_names_the_customer(
    alice: Conversation, text: str
) -> None:
    assert found(text) == [alice]


@pytest.mark.parametrize("text", ["kettle pole", "saucepan", "alice tent", "!!!", "'", "\\", "':*"])
def test_what_was_not_said_is_not_found(alice: Conversation, text: str) -> None:
    assert found(text) == []


def test_a_visitor_without_a_name_is_found_by_what_lists_show(alice: Conversation) -> None:
    inbox = Inbox.objects.get()
    nameless = talk(inbox, 0.1)
    assert found(str(nameless.visitor)) == [nameless]


def test_many_customers_of_that_name_are_found_too(alice: Conversation) -> None:
    with mock.patch("chatbot.conversation.search.COMMON_NAMES", 0):
        assert found("ash kettle") == [alice]
