"""The committed classifier, on messages as customers of any company might write them."""

from pathlib import Path

import pytest

import inference
from inference.sentiment import Classifier

WEIGHTS = Path(inference.__file__).parent / "weights" / "sentiment"

ANGRY = (
    "This is the third time my parcel is late and nobody cares. I am furious.",
    "Your service is terrible, I want my money back now!",
    "I am really disappointed with how you handled my complaint.",
    "What a joke of a company. Two weeks and still no answer.",
    "The machine broke after two days, absolute rubbish.",
    "I have been waiting on the phone for an hour, this is unacceptable.",
    "You people are useless, just useless.",
    "Worst purchase I ever made, it fell apart immediately.",
    "I'm sick of being sent from one department to the next.",
    "Why do you keep charging me for something I cancelled?! This is theft.",
    "Your driver was rude and threw the box over the fence.",
    "I hate this app, it crashes every single time.",
    "Nobody answers my emails, I feel completely ignored.",
    "The food arrived cold and tasted awful.",
    "I will never order from you again.",
    "So frustrating! The discount code does not work and your site is broken.",
    "You ruined my daughter's birthday, the present never came.",
    "I am extremely unhappy with the quality of these shoes.",
    "It is ridiculous that I have to explain this a fourth time.",
    "Are you kidding me? Another delay?",
)
CALM = (
    "Where is my order?",
    "My parcel has not arrived yet, can you tell me when it will come?",
    "I would like to return the blue jacket, it is too small.",
    "The invoice shows two lines for the same article, could you check it?",
    "How do I change the delivery address of order 4711?",
    "I forgot my password.",
    "Can I cancel my subscription at the end of the month?",
    "The lamp came with a broken bulb, please send a replacement.",
    "Which payment methods do you accept?",
    "I was charged twice, please refund one of the payments.",
    "What does your warranty cover?",
    "I want to speak to a person.",
    "Is the large size in stock?",
    "My card was declined at the checkout, what should I do?",
    "Please send me a copy of the receipt.",
    "How long does a refund take?",
    "One of the three chairs is missing from the delivery.",
    "I need to report a lost parcel.",
    "Do you ship to Norway?",
    "The tracking page says delivered but I do not have it.",
)
PLEASED = (
    "Thank you so much, that was really quick!",
    "Great service, I will order again.",
    "Perfect, that solved it.",
    "I love the new headphones, they sound wonderful.",
    "You have been very helpful, thanks!",
    "Awesome, the parcel came a day early.",
    "Your colleague was so kind and patient with me.",
    "That's brilliant news, thank you.",
    "Very happy with my purchase.",
    "Thanks a lot for sorting this out.",
)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(WEIGHTS)


def share(classifier: Classifier, texts: tuple[str, ...], label: str) -> float:
    return sum(found.label == label for found in classifier.score(texts)) / len(texts)


def test_angry_customers_are_heard(classifier: Classifier) -> None:
    assert share(classifier, ANGRY, "negative") >= 0.8


def test_a_calm_request_is_not_taken_for_anger(classifier: Classifier) -> None:
    assert share(classifier, CALM, "negative") <= 0.1


def test_praise_is_positive(classifier: Classifier) -> None:
    assert share(classifier, PLEASED, "positive") >= 0.8
