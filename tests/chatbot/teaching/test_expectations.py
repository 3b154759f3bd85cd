"""A right answer must hold the facts of a text that somebody called right."""

import pytest

from chatbot.teaching.expectations import answering, expectation, words
from inference.evaluation.answers import as_expected


def holds(said: str, answer: str, known: str = "") -> bool:
    groups = expectation(said, known)
    assert groups
    return as_expected(groups, "answered", answer.casefold())


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Shipped date: 3 November 2026", "It was shipped on 03.11.2026."),
        ("It left us on 2026-11-03.", "It left us on November 3, 2026."),
        ("We close at 8 pm.", "Our shop closes at 20:00."),
        ("We close at 20:00.", "We close at 8 pm."),
        ("The total is 1,234.50.", "It was 1234.5 in all."),
        ("You have thirty days.", "You have 30 days."),
        ("You have 30 days.", "Within 30 days."),
        ("It is the tent FH-TNT-210.", "That is FH-TNT-210!"),
        ("We ship with Swift Parcel.", "Swift Parcel brings it."),
    ],
)
def test_the_same_facts_in_other_spellings_are_right(said: str, answer: str) -> None:
    assert holds(said, answer)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("You have 30 days.", "You have 14 days."),
        ("You have 30 days.", "You have 130 days."),
        ("It was shipped on 3 November 2026.", "It was shipped on 13 November 2026."),
        ("It was shipped on 3 November 2026.", "It was shipped on 3 November 2025."),
        ("We close at 8 pm.", "We close at 9 pm."),
        ("We ship with Swift Parcel.", "Harbour Freight brings it."),
        ("It costs 5 or 7.50.", "It costs 5."),
    ],
)
def test_another_fact_or_one_of_two_is_not(said: str, answer: str) -> None:
    assert not holds(said, answer)


def test_what_the_question_says_is_not_an_answer() -> None:
    assert expectation("Order 50001 was sent.", "Where is order 50001?") == []
    assert expectation("Order 50001: 41.50", "What is the total of order 50001?") == [
        ["41.50", "41.5"]
    ]


@pytest.mark.parametrize(
    ("said", "groups"),
    [
        ("Usual wait: 45 min; At night (22:00): 75 min.", [["45 min", "45"], ["75 min", "75"]]),
        ("What you pay yourself, Basic: 120 EUR; First, Waiting.", [["120 EUR", "120"]]),
        ("A rear puncture costs €34 or 20 %, in EUR.", [["20 %", "20"], ["34"]]),
        ("We close at 20 or later.", [["20"]]),
        ("Yes, in Freiburg and Karlsruhe.", [["Freiburg"], ["Karlsruhe"]]),
        ("Waiting for Parts.", [["Parts"]]),
    ],
)
def test_figures_come_with_what_they_count_and_ordinary_words_are_no_names(
    said: str, groups: list[list[str]]
) -> None:
    assert [group for group in expectation(said) if group[0] != "22:00"] == groups


def test_only_the_sentences_that_the_source_is_quoted_with_answer() -> None:
    cage = "Yes, in Freiburg and Karlsruhe. There is a night cage beside the entrance."
    wait = "Flat tyre or breakdown – Usual wait: 45 min; At night: 75 min."
    assert answering(f"{cage} {wait}", cage) == cage
    assert answering(cage, "") == answering(cage, "something else") == cage


def test_a_text_without_facts_is_known_by_its_longest_words() -> None:
    said = "please send it back in the carton that the policies describe"
    assert as_expected(
        words(said), "answered", "our policy: describe why, and use a carton, sent back"
    )
    assert not as_expected(words(said), "answered", "keep it")
    assert words("yes it is") == []


@pytest.mark.parametrize(
    "text", ["", "\u200b", "-" * 4000, "5/" * 2000, "Total: " * 500, "9" * 4000]
)
def test_hostile_texts_do_no_harm(text: str) -> None:
    assert all(group and all(group) for group in expectation(text))
