"""Takes a message apart into the questions that it asks."""

import re

from inference import sentences

# How a question begins: with a question word, or with a verb before its subject.
SUBJECT = (
    r"(?:i|you|u|we|they|he|she|it|there|this|that|these|those|the|a|an|any|anyone|anybody|some|"
    r"someone|somebody|my|our|your|his|her|its|their|one|all|both|mine|yours)"
)
WORDS = r"(?:what|when|where|which|who|whose|why|how)"
OPENER = (
    rf"(?:{WORDS}(?:'s|s)?(?!\w)|any chance|tell me|let me know|i(?: also)? (?:need|want) to know|"
    r"i(?: would|['’]d)(?: also)? like to know|"
    r"(?:is|are|was|were|am|do|does|did|can|could|may|will|would|should|shall|has|have|"
    rf"(?:is|are|was|were|do|does|did|ca|could|wo|would|should|has|have)n['’]?t) {SUBJECT}(?!\w))"
)
ASKS = re.compile(
    rf"\?|^\W*(?:(?:and|so|but|ok|okay|hi|hello|hey|please|thanks|good|then)\W+)*{OPENER}", re.I
)
WORD = re.compile(rf"\b{WORDS}(?:'?s)?\b", re.I)
# "…, and do you sell gift cards": a second question in the same sentence.
SECOND = re.compile(rf"[,;.]? (?:and|also|plus|oh and|btw|by the way)[,:]? (?={OPENER})", re.I)
# The fewest words of a half sentence that may be a question, and the most words of a thing that
# stands for one ("loyalty points, and do you sell gift cards?").
FEWEST, THING = 2, 4
STATES = re.compile(r"^\W*(?:i|we|you|my|it|they|he|she|there|this|that)\b", re.I)
# More are a story, not a list of questions.
MOST = 4


def asks(text: str) -> bool:
    """Tell whether a text asks something."""
    return any(ASKS.search(part) for part in sentences.split(text))


def may_ask(text: str) -> bool:
    """Tell whether a text asks something, or at least has a question word."""
    return asks(text) or bool(WORD.search(text))


def questions(text: str) -> list[str]:
    """Return the questions of a message, each with what was said between it and the one before; the
    whole message if it asks one thing, or too many."""
    found: list[str] = []
    said = ""
    for part in (half for sentence in split(text) for half in halves(sentence)):
        said = f"{said} {part}".strip()
        if ASKS.search(part):
            found.append(said)
            said = ""
    if said and found:
        found[-1] += f" {said}"
    return found if 1 < len(found) <= MOST else [text]


def split(text: str) -> list[str]:
    """Split into sentences with single spaces; customers begin them with small letters, too."""
    parts = (" ".join(part.split()) for part in sentences.split(text))
    return [one for part in parts for one in re.split(r"(?<=\?) ", part) if one]


def halves(sentence: str) -> list[str]:
    """Split a sentence that asks two things."""
    for found in SECOND.finditer(sentence):
        first, second = sentence[: found.start()], sentence[found.end() :]
        if min(len(first.split()), len(second.split())) >= FEWEST and (asked := question(first)):
            return [asked, *halves(second)]
    return [sentence]


def question(half: str) -> str:
    """Return half a sentence as a question; "" if it only states something."""
    if ASKS.search(half):
        return half
    return "" if STATES.match(half) or len(half.split()) > THING else f"{half}?"
