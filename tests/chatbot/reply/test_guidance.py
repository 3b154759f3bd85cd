"""The bot's own sentences in an inbox's tone and words, and subjects that it never talks about."""

import string
from dataclasses import asdict

import pytest

from chatbot.conversation import wording
from chatbot.models import Inbox
from chatbot.reply.ask import ask
from chatbot.reply.guidance import guided, instead
from chatbot.reply.route import Target, decide
from chatbot.reply.turn import Turn
from tests.fakes import ALICE, FakeModelsTestCase, outcome_of

LAW = "legal advice: We cannot advise you on the law. Please ask a lawyer."


def places(text: str) -> int:
    return sum(name is not None for _, name, _, _ in string.Formatter().parse(text))


@pytest.mark.parametrize("tone", Inbox.Tone.values)
def test_each_tone_has_each_sentence_in_words_of_its_own(tone: str) -> None:
    words = asdict(wording.TONES[tone])
    for name, plain in asdict(wording.PLAIN).items():
        assert wording.fault(name, words[name]) == "", words[name]
        assert places(words[name]) == places(plain)
        assert tone == "plain" or words[name] != plain, f"{tone} says {name} as plain does"


def test_the_formal_tone_has_no_contractions() -> None:
    for text in asdict(wording.FORMAL).values():
        assert "'" not in text, text


def test_an_inboxs_own_sentence_goes_before_its_tone() -> None:
    words = wording.chosen("warm", {"goodbye": "Bye!"})
    assert (words.goodbye, words.hello) == ("Bye!", wording.WARM.hello)


@pytest.mark.parametrize(
    "own", [{"in_queue": "Wait."}, {"goodbye": "{0.__class__}"}, {"goodbye": ""}, {"what": "Hi"}]
)
def test_a_stored_sentence_that_would_not_work_is_not_said(own: dict[str, str]) -> None:
    assert wording.chosen("plain", own) == wording.PLAIN
    assert wording.chosen("shouting", {}) == wording.PLAIN


def turn(text: str, **inbox: object) -> Turn:
    return guided(Turn(text, ALICE), Inbox(key="shop", never_about=[LAW], **inbox), [text])


def test_a_subject_is_met_by_the_customers_own_words_only() -> None:
    assert turn("Can I get LEGAL  advice here?").instead == instead(LAW)
    for text in ("Illegal advice?", "> legal advice\nWhat is that?", "legal: advice"):
        assert turn(text).instead is None, text


def test_a_sentence_may_have_colons() -> None:
    assert instead("tax: Write to us: tax@shop.example").sentence == "Write to us: tax@shop.example"


def test_a_person_goes_before_the_sentence() -> None:
    text = "legal advice about a power of attorney"
    assert decide(turn(text, hand_off_on=["power of attorney"])).target is Target.HUMAN
    assert decide(turn(text)).target is Target.INSTEAD
    assert "“legal advice”" in decide(turn(text)).reason


class GuidanceTests(FakeModelsTestCase):
    async def test_the_sentence_is_said_in_place_of_an_answer(self) -> None:
        self.generator.answer = "You can return goods within 30 days."
        text = "legal advice: within how many days can I return goods?"
        outcome = await outcome_of(turn(text))
        self.assertEqual(outcome.answer, instead(LAW).sentence)
        self.assertEqual((outcome.state, outcome.citations), ("chat", []))
        self.assertEqual(self.generator.prompts, [])

    async def test_a_customer_who_threatens_still_gets_a_person(self) -> None:
        upset = guided(
            Turn("legal advice!", ALICE, alert="threatens to sue"),
            Inbox(never_about=[LAW], tone="formal"),
            ["legal advice!"],
        )
        outcome = await outcome_of(upset)
        self.assertEqual(outcome.state, "handoff")
        self.assertEqual(outcome.answer, f"{instead(LAW).sentence} {wording.FORMAL.sorry}")

    async def test_the_tone_changes_what_the_bot_says_and_never_what_the_records_say(self) -> None:
        self.generator.answer = "You can return goods within 30 days."
        told = set()
        for tone in Inbox.Tone.values:
            await Inbox.objects.acreate(key=tone, name=tone, tone=tone)
            said = await ask("Within how many days can I return goods?", ALICE, inbox=tone)
            told.add(said["answer"])
            said = await ask("Who painted the llama?", ALICE, inbox=tone)
            self.assertIn(wording.TONES[tone].offer, said["answer"])
        [answer] = told
        self.assertTrue(answer.startswith("You can return goods within 30 days."))
