"""Takes a message apart into the questions that it asks."""

import re

from chatbot.engines import reader
from inference import sentences
from inference.reading import splitting
from inference.reading.splitting import QUESTION_WORD, SUBJECT, VERB

# How a question begins: with a question word, or with a verb before its subject.
OPENER = (
    rf"(?:{QUESTION_WORD}|any chance|tell me|let me know|i(?: also)? (?:need|want) to know|"
    rf"i(?: would|['’]d)(?: also)? like to know|{VERB} {SUBJECT})"
)
ASKS = re.compile(
    rf"\?|^\W*(?:(?:and|so|but|ok|okay|hi|hello|hey|please|thanks|good|then)\W+)*{OPENER}", re.I
)
WORD = re.compile(rf"\b{QUESTION_WORD}", re.I)
# What joins a question to the one before, or counts it: "and do you sell cards", "2) is it open".
JOINS = re.compile(rf"^(?:\W*(?:and|also|plus|oh|btw|by the way|n|an)\b)+\W*(?={OPENER})", re.I)
COUNTS = re.compile(r"^(?:(?:\(?\d[).]|[&,;:/–—-])\s*)+")
STATES = re.compile(rf"^\W*(?:(?:and|but|so)\W+)?{SUBJECT}", re.I)
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
    for part in splitting.parts(reader.line_reader(), reader.heads()["splits"], text):
        said = f"{said} {part}".strip()
        if asks(part) or not STATES.match(part):
            found.append(unjoined(" ".join(said.split())))
            said = ""
    if said and found:
        found[-1] += f" {said}"
    return found if 1 < len(found) <= MOST else [text]


def unjoined(text: str) -> str:
    """Return a question without what joins it to the one before or after."""
    return JOINS.sub("", COUNTS.sub("", text)).rstrip(" ,;:&–—-")
