"""Chooses what to say if nothing answers: a kind word, what comes nearest, and what can be done.

The sentences themselves are in `conversation/wording.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chatbot.conversation import wording
from chatbot.engines import reader
from chatbot.reply import lookup
from chatbot.reply.found import Found, Line
from chatbot.reply.questions import may_ask
from chatbot.reply.quoting import in_its_words, with_rival
from chatbot.reply.retrieve import FIRST_PERSON
from chatbot.reply.turn import Turn
from inference.grounding.dates import written_like
from inference.grounding.injection import instructs
from inference.sentiment.language import language_of

# The least probability that a line answers, for it to be shown as what comes nearest. Of the best
# lines of 44 questions between 0.05 and 0.08, 10 answer (2026-11-29, twelve companies and 66
# conversations that nothing was trained on): to the others, customers would read nonsense. Of 71
# refusals in these conversations, the line that is shown answers 33.
RELATED = 0.1
# A conversation's mood from which a refusal begins with a kind word.
UPSET = -0.3
# Characters of a question that a refusal repeats.
LONGEST_QUOTED = 90


@dataclass(frozen=True)
class Refusal:
    """text: what is said; offer: what can be done, if not the usual offer of a colleague; accept:
    how the customer accepts it by a click; near: the lines that come nearest."""

    text: str
    offer: str = ""
    accept: str = wording.ACCEPT
    near: list[Line] = field(default_factory=list)
    # It is said beside a form, too.
    insists: bool = False


def refusal(turn: Turn, found: Found) -> Refusal:
    """Return the refusal of a question for which the records hold no answer."""
    if found.refusal:
        return Refusal(found.refusal, insists=True)
    if in_their_language := wording.FOREIGN.get(language_of(turn.text)):
        return Refusal(*in_their_language)
    # With an alert, the hand-off has the kind word.
    upset = turn.mood <= UPSET and not turn.alert
    if turn.mood <= UPSET and not may_ask(turn.text):
        return Refusal("" if turn.alert else turn.words.trouble)
    if wants_own(turn):
        return Refusal(turn.words.sign_in)
    near, words, again = nearest(found), turn.words, turn.unanswered > 0
    text = words.again if again else words.refusal
    if near:
        # "I don't have that on record" would deny what is the answer half of the time.
        text = words.nearest_again if again else words.nearest
        if near[0].answers >= reader.reranker().answering:
            text = words.perhaps
        text = text.format(written_like(in_its_words(near), turn.text))
    return Refusal(f"{turn.words.kind} {text}" if upset else text, near=near)


def wants_own(turn: Turn) -> bool:
    """Tell whether somebody who is not signed in asks about records of their own."""
    speaks_of_own = not turn.customer and FIRST_PERSON.search(turn.text)
    return bool(speaks_of_own) and lookup.asked(turn.text).is_looked_up


def is_related(turn: Turn, found: Found) -> bool:
    """Tell whether the records have something near to what a conversation is about."""
    return bool(turn.cited) and found.certainty >= RELATED


def nearest(found: Found) -> list[Line]:
    """Return the lines that are told although they may not answer."""
    lines = found.tellable()
    if not lines or lines[0].answers < RELATED:
        return []
    return with_rival(lines[:1], lines)


def of_part(questions: Sequence[str], words: wording.Wording = wording.PLAIN) -> str:
    """Say that some of several questions have no answer on record. One alone is repeated, unless it
    gives the bot orders."""
    first = questions[0].strip()
    if len(questions) > 1 or instructs(first) or len(first) > LONGEST_QUOTED:
        return words.not_all
    return words.not_this.format(first.rstrip("?.!,") + "?")
