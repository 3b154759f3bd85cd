"""Only what the writer says now is heard: bob's angry line, not the friendly mail below it."""

import pytest

from inference.sentiment.own_words import own_words

ANGRY = "Three weeks, and still no fridge."


@pytest.mark.parametrize(
    "rest",
    [
        "> Thank you so much for your order!\n> Your friends at Ash",
        "On Mon, 3 Nov 2025 at 10:12, Bea Ash <bea@ash.example> wrote:\n> Lovely to hear from you!",
        "On Monday, 3 November 2025 at 10:12, Bea Ash from the team at Ash <bea@ash.example>\n"
        "wrote:\n> Lovely!",
        "On Monday, 3 November, Bea Ash wrote:\n\nLovely to hear from you!\nBea",
        "Am 03.11.2025 um 10:12 schrieb Bea Ash <bea@ash.example>:\n> Wunderbar!",
        "-----Original Message-----\nFrom: Bea\nLovely to hear from you!",
        "---------- Forwarded message ---------\nLovely to hear from you!",
        "________________________________\nFrom: Bea\nTo: Bob\nSubject: Lovely\n\nWe love you!",
        "From: Bea <bea@ash.example>\nSent: Monday\nTo: Bob\nSubject: Hello\n\nWe love you!",
        "-- \nBob Birch\nHead of Happiness, Sunshine Ltd",
        "Kind regards,\nBob Birch\nHead of Happiness\nSunshine Ltd\n+44 20 7946 0123",
        "Sent from my iPhone",
        "Get Outlook for iOS",
        "This e-mail and any attachment are confidential and intended for the addressee only.",
        "CONFIDENTIALITY NOTICE: enjoy this wonderful message alone.",
    ],
)
def test_what_others_wrote_and_what_programs_add_is_left_out(rest: str) -> None:
    assert own_words(f"{ANGRY}\n\n{rest}") == ANGRY


@pytest.mark.parametrize(
    "text",
    [
        ANGRY,
        "Thanks,\nbut my parcel never came",
        ">:(\nwhere is it",
        "> 5 kg costs extra?\nreally",
        "Booking wrong\nFrom: Leeds\nTo: York\nfurious",
        "On Monday I wrote:\nplease send it\nand nothing came",
        "- late\n- broken\n- wrong colour",
        "Best of luck\nwith your excuses",
        "",
        "\n\n",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert own_words(text) == text


def test_an_answer_below_or_between_quoted_lines_is_their_own() -> None:
    below = "On Monday, 3 November, Bea wrote:\n> Is it good?\n> Bea\n\nNo. It is broken."
    assert own_words(below) == "No. It is broken."
    assert own_words("> Is it good?\nNo.\n> Will you stay?\nNever.") == "No.\nNever."


def test_a_message_of_nothing_but_quotations_is_read_whole() -> None:
    assert own_words("> Is it good?\n> Bea") == "> Is it good?\n> Bea"


def test_markup_is_no_word() -> None:
    html = "<div>Where is my <b>fridge</b>?</div><blockquote>So happy to help!</blockquote>"
    assert own_words(html) == "Where is my fridge?"
