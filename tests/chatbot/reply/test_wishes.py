"""A wish is heard; a question, a tale and a "do not" are none. The matcher is the real one."""

import json

import pytest

from chatbot.conversation.crm_requests import Offer
from chatbot.demo.crm import ACTIONS
from chatbot.engines.classifier import sentiment_classifier
from chatbot.engines.wishes import WEIGHTS
from chatbot.reply.wishes import requested_action

OFFERS = [Offer(place, (one["name"], *one["words"])) for place, one in enumerate(ACTIONS)]
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
        pytest.param(
            "I need your return label",
            marks=pytest.mark.xfail(strict=True, reason="heard as a call back since 2026-11-30"),
        ),
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


def test_of_two_wishes_one_is_offered() -> None:
    assert wish("I want to return my boots and please call me back") in {"open_return", "call_back"}


def test_a_wish_that_shares_no_word_with_the_action_is_heard() -> None:
    assert wish("We have moved, so please bring the tent to 4 Elm Road") == KEYS[2]


@pytest.mark.xfail(strict=True, reason="too unsure since 2026-11-30: 0.36, of 0.59 needed")
def test_a_wish_that_only_hints_at_the_action_is_heard() -> None:
    assert wish("These pinch my toes, can you take them off me again please") == KEYS[1]


@pytest.mark.xfail(strict=True, reason="heard as a return since 2026-11-30")
def test_a_long_thank_you_wishes_for_nothing() -> None:
    said = "It was a long way to get here, and the colleague on the phone was patient with me. "
    assert wish(said * 3) is None


def test_an_inbox_without_actions_hears_nothing() -> None:
    assert requested_action("I want to return order 81230", []) is None


def test_another_language_and_a_quotation_wish_for_nothing() -> None:
    assert wish("Ich möchte die Stiefel zurückschicken, bitte return") is None
    quoted = "Thank you, it is solved.\n\nOn Monday, Alice wrote:\n> I want to return these boots"
    assert wish(quoted) is None
    mail = (
        "It was a long way to get here, and the colleague on the phone was patient with me. He "
        "even stayed after six. Tell him that the tent stood through the whole storm, and that we "
        "will be on the same meadow next year."
    )
    unmarked = f"{mail}\n\nOn Monday, Alice wrote:\nHello,\nI want to return these boots"
    assert wish(unmarked) is None


def test_the_last_of_several_messages_is_read_however_long_those_before_are() -> None:
    story = "The tent came on Friday, and the poles were in the other bag that you had sent. " * 4
    assert wish(f"{story}\nI want to return it please") == "open_return"


def test_the_matcher_was_made_for_the_delivered_classifier() -> None:
    made = json.loads((WEIGHTS / "manifest.json").read_text())
    assert made["student"] == sentiment_classifier().student.name
