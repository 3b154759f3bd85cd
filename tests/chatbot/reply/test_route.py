"""Who answers, from what was heard in the customer's words: by the real classifier."""

from dataclasses import replace

import pytest

from chatbot.conversation.wording import PLAIN
from chatbot.engines.classifier import sentiment_classifier
from chatbot.models import Message
from chatbot.reply.guidance import have, spoken_words
from chatbot.reply.route import Target, decide, is_courtesy, pleasantry
from chatbot.reply.runner import intents_of
from chatbot.reply.turn import Turn

GRAVE = frozenset({"thanks", "urgent"})


def target(text: str, **turn: object) -> Target:
    return decide(Turn(text, None, intents=intents(text), **turn)).target


def intents(text: str) -> frozenset[str]:
    return sentiment_classifier().score([text])[0].intents


@pytest.mark.parametrize(
    "text",
    [
        "Could I speak to somebody in your team?",
        "put me through to your supervisor right now!!",
        "HUMAN PLEASE",
        "agent",
        "I'd rather talk to a real human being",
        "i need a live agent",
        "is there an agent available",
        "let me chat with customer service",
        "operator please",
        "real person pls",
        "get me out of this chatbot",
    ],
)
def test_a_wish_for_a_person_is_heard_in_many_words(text: str) -> None:
    assert target(text) is Target.HUMAN


@pytest.mark.parametrize(
    "text",
    [
        "Your agent told me the parcel was sent, was it?",
        "What is the e-mail address of customer service?",
        "Who is the person that signed for my parcel?",
        "Can I get a personal discount?",
        "Can I get someone a gift card?",
        "Where is my order 10482?",
        "I need a tent for four people",
        "hi, where is my parcel?",
        "thanks, and when does it arrive?",
        "no refund yet",
        "nothing works",
        "Is that it?",
    ],
)
def test_a_question_that_names_a_person_or_greets_is_still_a_question(text: str) -> None:
    assert target(text) is Target.BOT


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("hi there", PLAIN.hello),
        ("Good evening!", PLAIN.hello),
        ("thank you so much", PLAIN.welcome),
        ("ok perfect, thanks", PLAIN.welcome),
        ("bye", PLAIN.goodbye),
        ("👍", PLAIN.welcome),
        ("…", PLAIN.here),
        ("are you a robot?", PLAIN.about_the_bot),
        ("Hi! Are you a robot?", PLAIN.about_the_bot),
        ("what can you do?", PLAIN.about_the_bot),
    ],
)
def test_small_talk_needs_no_record_and_calls_nobody(text: str, answer: str) -> None:
    assert target(text) is Target.CHAT
    assert "urgent" not in intents(text)
    assert pleasantry(Turn(text, None, intents=intents(text))) == answer


def test_a_yes_to_the_offer_of_a_colleague_is_a_yes() -> None:
    assert target("yes please", offered=True) is Target.HUMAN
    assert target("yes please, where is it?", offered=True) is Target.BOT


@pytest.mark.parametrize("text", ["thanks", "Thank you!", "thanks, thank you"])
def test_thanks_alone_are_no_yes_to_the_offer_of_a_colleague(text: str) -> None:
    assert target(text, offered=True) is not Target.HUMAN
    assert target(f"yes, {text}", offered=True) is Target.HUMAN
    assert target(f"{text} that would be great", offered=True) is Target.HUMAN


def test_an_inbox_hands_off_on_words_of_its_own() -> None:
    assert target("for my aunt", hand_off_on="power of attorney") is Target.HUMAN


def test_those_words_are_found_in_what_alice_says_now() -> None:
    for text, found in {
        "I have a Power  of Attorney for my aunt": True,
        "Do you sell powers of attorney?": False,
        "Who am I?\n> Do you have a power of attorney?": False,
    }.items():
        assert have([spoken_words(text)], "power of attorney") is found, text


def test_a_kind_question_within_a_conversation_is_looked_up() -> None:
    heard = {"intents": frozenset({"chat", "bye"})}
    before = (("customer", "When is my lesson?"), ("bot", "Lesson 7 – Time: 16:30."))
    later = Turn("can't it be a bit later", "cust_1", history=before, **heard)
    assert decide(later).target is Target.BOT
    assert decide(Turn("see you later", "cust_1", history=before, **heard)).target is Target.CHAT
    assert decide(Turn("are you a robot?", None, **heard)).target is Target.CHAT


def test_a_question_between_thanks_is_looked_up() -> None:
    thanks = frozenset({"chat", "thanks"})
    asked = "Thanks for fitting us in. What time does the fitter come? Have a nice day."
    assert decide(Turn(asked, "cust_1", intents=thanks)).target is Target.BOT
    said = "Thanks for fitting us in. He was lovely. Have a nice day."
    assert decide(Turn(said, "cust_1", intents=thanks)).target is Target.CHAT


def test_a_grave_message_is_no_small_talk_however_polite() -> None:
    polite = Turn("Thanks so much! The flat smells of gas.", "cust_1", intents=GRAVE)
    assert decide(polite).target is Target.BOT
    assert not is_courtesy(polite)
    assert is_courtesy(replace(polite, intents=GRAVE - {"urgent"}))


def test_small_talk_beside_a_question_is_none() -> None:
    hello, question = Message(intents=["chat", "greets"]), Message(intents=["back"])
    assert intents_of([hello]) == {"chat", "greets"}
    assert intents_of([hello, question]) == {"greets", "back"}
    assert intents_of([]) == frozenset()
