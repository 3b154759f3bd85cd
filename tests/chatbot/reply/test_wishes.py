"""A wish is heard from the customer's words; a question, a tale and a "do not" are none."""

import pytest

from chatbot.conversation.crm_requests import Offer
from chatbot.demo.crm import ACTIONS
from chatbot.reply.wishes import requested_action

OFFERS = [Offer(place, tuple(one["words"])) for place, one in enumerate(ACTIONS)]
KEYS = [one["key"] for one in ACTIONS]


def wish(text: str) -> str | None:
    found = requested_action(text, OFFERS)
    return None if found is None else KEYS[found]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("call_back", "please call me back tomorrow"),
        ("call_back", "Could someone call me back?"),
        ("call_back", "I need a callback"),
        ("call_back", "Give me a call on 020 7946 0991 please"),
        ("open_return", "I want to return order 81230"),
        ("open_return", "How do I open a return?"),
        ("open_return", "I'd like to send these boots back"),
        ("open_return", "The boots are not what I expected, I want to return them"),
        ("open_return", "these are too small so I’d like to send them back"),
        ("open_return", "Hello. Return the boots please"),
        ("open_return", "What do I have to do to return a jacket?"),
        ("change_delivery_address", "change my delivery address"),
        ("change_delivery_address", "I have moved. Can you deliver to a new address?"),
        ("change_delivery_address", "Help me changing the address of order 81230"),
    ],
)
def test_what_is_wished_for_is_heard(key: str, text: str) -> None:
    assert wish(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "What is your return policy?",
        "Has my return arrived?",
        "I returned my boots last week",
        "When can I return an item?",
        "how much does a return cost?",
        "how long do I have to return a jacket",
        "I need your return label",
        "Is there a return label in the box?",
        "I want to track my return",
        "If it does not fit, can I return it?",
        "I don't want to return it",
        "I already sent it back",
        "did you get the boots I sent back",
        "a flight to Tampa and returning in May",
        "nobody called me back!",
        "you promised to call me back",
        "Please tell me why nobody will call me back",
        "Do not call me back",
        "thank you for calling me back",
        "Which address did I give?",
        "Is my new address on file?",
        "The parcel went to a different address",
        "hello",
        "",
        "!!!",
    ],
)
def test_what_is_only_spoken_of_is_no_wish(text: str) -> None:
    assert wish(text) is None


def test_of_two_wishes_the_first_counts() -> None:
    assert wish("I want to return my boots and please call me back") == "open_return"
    assert wish("Please call me back. I want to return my boots") == "call_back"


def test_words_that_say_more_win_where_they_begin_alike() -> None:
    offers = [Offer(1, ("change order",)), Offer(2, ("change order address",))]
    assert requested_action("please change the order address", offers) == 2


def test_an_inbox_without_actions_hears_nothing() -> None:
    assert requested_action("I want to return order 81230", []) is None
    assert requested_action("I want to return order 81230", [Offer(1, ("",))]) is None
