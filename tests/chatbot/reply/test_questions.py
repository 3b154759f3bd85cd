"""A message is taken apart into what it asks."""

import pytest

from chatbot.reply.questions import asks, may_ask, questions


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (
            "loyalty points, and do you sell gift cards?",
            ["loyalty points", "do you sell gift cards?"],
        ),
        ("when does it come and what did it cost", ["when does it come", "what did it cost"]),
        (
            "How long do I have to return things? Do I pay the postage?",
            ["How long do I have to return things?", "Do I pay the postage?"],
        ),
        (
            "is there parking? how much is it",
            ["is there parking?", "how much is it"],
        ),
        (
            "What is a pass for ten, plus is the sauna in it?",
            ["What is a pass for ten", "is the sauna in it?"],
        ),
        ("how much do i still owe & till when", ["how much do i still owe", "till when"]),
        (
            "1. what is the fee 2. who pays it",
            ["what is the fee", "who pays it"],
        ),
        (
            "when is the man coming for my yamaha, and whats his name again",
            ["when is the man coming for my yamaha", "whats his name again"],
        ),
        ("Can it still go back and who pays for it?", ["Can it still go back", "who pays for it?"]),
    ],
)
def test_several_questions_are_answered_one_by_one(text: str, asked: list[str]) -> None:
    assert questions(text) == asked


@pytest.mark.parametrize(
    "text",
    [
        "I ordered a tent last week and it arrived torn. My wife is furious. What do I do now?",
        "i bought boots and can't get them on",
        "I was home and have no idea where it is",
        "Where is my order, it should have come and I have waited all day?",
        "do you have salt and pepper mills?",
        "thanks",
        "What a pity, he is such a gentleman.",
        "is it Monday or Tuesday?",
        "can I come in and pick it up and pay there?",
        "",
        f"What is it{' ' * 40_000}and",
    ],
)
def test_one_question_stays_whole_with_its_story(text: str) -> None:
    assert questions(text) == [text]


def test_more_than_four_questions_are_a_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.reading.splitting.parts", lambda *_: ["and why?"] * 5)
    assert questions("and why? " * 5) == ["and why? " * 5]


def test_a_statement_is_no_question_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["My bike is here.", "is it ready", "& till when", "I work late."]
    monkeypatch.setattr("inference.reading.splitting.parts", lambda *_: said)
    asked = ["My bike is here. is it ready", "till when I work late."]
    assert questions(" ".join(said)) == asked


@pytest.mark.parametrize(
    "remark",
    [
        "-", ":-)", "😡😡", "\n\nBob", "Ordered it Monday", "Tracking says delivered.",
        "Size 9, worn once", "2 adults 3 kids", "Sent from my iPhone", "1.",
    ],
)  # fmt: skip
def test_a_remark_stays_with_its_question(remark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.reading.splitting.parts", lambda *_: ["how much is it?", remark])
    assert questions(f"how much is it? {remark}") == [f"how much is it? {remark}"]


def test_figures_are_no_numbers_of_questions() -> None:
    asked = questions("1.5 m tables: do you have them? and what do they cost")
    assert asked == ["1.5 m tables: do you have them?", "and what do they cost"]


def test_the_end_of_a_long_story_is_taken_apart() -> None:
    story = "We had a long day at the fair with the kids and the rain came down. " * 25
    asked = questions(f"{story}Where is it? How do I return it?")
    assert len(asked) == 2 and asked[1] == "How do I return it?"


def test_the_story_stays_with_its_question() -> None:
    asked = questions("My parcel is late. Where is it? And who pays the deposit? I paid it twice.")
    assert asked == [
        "My parcel is late. Where is it?",
        "And who pays the deposit? I paid it twice.",
    ]


@pytest.mark.parametrize(
    "text",
    ["where is it", "can i return them", "opening hours?", "ok but how much", "I'd like to know x"],
)
def test_a_question_needs_no_question_mark(text: str) -> None:
    assert asks(text)


def test_a_question_in_the_middle_of_a_sentence_may_ask() -> None:
    assert may_ask("sigh. and after we click, how many days")
    assert may_ask("if i let you know on the 8th that i can't come do i get my 135 back")
    assert not may_ask("this is a complete disgrace")
    for said in (
        "we have a table booked, it is ours",
        "Thanks, we did it!",
        "I have it now, thanks",
        "ok I will do it",
        "I can't do it any more, this is a disgrace",
        "the problem is I never got my parcel",
    ):
        assert not may_ask(said), said
    assert not asks("Have a nice day.")


@pytest.mark.parametrize("text", ["my parcel is late", "nothing works", "ok, thanks a lot", "no"])
def test_a_complaint_is_no_question(text: str) -> None:
    assert not asks(text)


def test_messages_that_were_sent_one_after_another_are_each_taken_apart() -> None:
    first = "how much is delivery to ireland and how long does it take"
    sent = [first, "what's the warranty on the stove", "when is it open and where do I park"]
    assert questions("\n".join(sent)) == [
        "how much is delivery to ireland",
        "how long does it take",
        "what's the warranty on the stove",
        "when is it open",
        "where do I park",
    ]


def test_what_was_only_stated_between_the_messages_is_kept() -> None:
    sent = [
        "I bought the stove on order 81230.",
        "how much is delivery to ireland and how long does it take",
        "the door is cracked",
        "can I send it back and who pays",
        "when is it open and where do I park",
    ]
    asked = questions("\n".join(sent))
    assert len(asked) == 6
    assert asked[0] == "I bought the stove on order 81230. how much is delivery to ireland"
    assert "the door is cracked" in " ".join(asked)


def test_a_letter_of_many_questions_stays_whole() -> None:
    letter = "\n".join(f"Is room {number} free? What is it?" for number in range(6))
    assert questions(letter) == [letter]
