"""Takes a message apart into the questions that it asks."""

import re
from collections.abc import Sequence

from chatbot.engines import reader
from inference import sentences
from inference.reading import splitting
from inference.reading.splitting import NUMBER, QUESTION_WORD, SUBJECT, VERB

# How a question begins: with a question word, or with a verb before its subject. "Have a nice day"
# is not a question.
OPENER = (
    rf"(?:{QUESTION_WORD}|any chance|tell me|let me know|i(?: also)? (?:need|want) to know|"
    rf"i(?: would|['’]d)(?: also)? like to know|(?!have an?\b){VERB} {SUBJECT})"
)
ASKS = re.compile(
    r"\?|^\W*(?:(?:and|so|but|or|also|plus|if so|if yes|if not|an|n|btw|oh|ok|okay|hi|hello|hey|"
    rf"please|thanks|good|then)\W+)*{OPENER}",
    re.I,
)
# A question within a sentence: "if I tell you on the 8th do I get it back".
WITHIN = re.compile(
    rf"\b{QUESTION_WORD}|\b(?:am i|(?:is|was|does|has) (?:he|she|it)|(?:are|were) (?:we|you|they)|"
    r"(?:do|did|have) (?:i|we|they)|"
    r"(?:can|could|will|would|should|shall|may) (?:i|we|you|they|he|she|it)) \w",
    re.I,
)
# What joins a question to the one before it in the sentence ("… and do you sell cards"), and what
# counts questions ("2) is it open").
JOINS = re.compile(rf"^(?:\W*(?:and|also|plus|oh|btw|by the way|n|an)\b)+\W*(?={OPENER})", re.I)
SIGN, COUNTS = re.compile(r"^(?:[&,;:/–—-]\s*)+"), re.compile(rf"^{NUMBER}\s+")
STATEMENT = r"(?:i|we|you|my|it|they|he|she|there|this|that)\b"
STATES = re.compile(rf"^\W*{STATEMENT}", re.I)
# "& last payment date", "and the deposit": a thing that is asked for, too.
AND_A_THING = re.compile(rf"^\W*(?:(?:and|also|plus)\b|&)\W*(?!{STATEMENT})", re.I)
# More are a story, not a list of questions.
MOST = 4


def asks(text: str) -> bool:
    """Tell whether a text asks something."""
    return any(ASKS.search(part) for part in sentences.split(text))


def may_ask(text: str) -> bool:
    """Tell whether a text asks something, or at least has a question word, or a verb before its
    subject."""
    return asks(text) or bool(WITHIN.search(text))


def questions(text: str) -> list[str]:
    """Return the questions of a message, each with what was said between it and the one before; the
    whole message if it asks one thing, or too many. If it has too many because the customer sent
    several messages, a line each, before an answer came, take each of these apart by itself."""
    found: list[str] = []
    said = ""
    for part in unnumbered(splitting.parts(reader.line_reader(), reader.heads()["splits"], text)):
        said = f"{said} {part}".strip()
        # "Loyalty points, and do you sell gift cards": a thing may stand for the first question.
        is_thing = AND_A_THING.match(part) if found else not STATES.match(part)
        if may_ask(part) or is_thing:
            found.append(said)
            said = ""
    if said and found:
        found[-1] += f" {said}"
    if len(found) <= MOST:
        return tidied(found) if len(found) > 1 else [text]
    messages = asking_messages(text)
    if not 1 < len(messages) <= MOST:
        return [text]
    return [one for message in messages for one in questions(message)]


def asking_messages(text: str) -> list[str]:
    """Return the lines that ask something, each after the lines before it that only state
    something."""
    found, said = list[str](), ""
    for line in text.split("\n"):
        said = f"{said}\n{line}".strip()
        if may_ask(line):
            found.append(said)
            said = ""
    if found and said:
        found[-1] += f"\n{said}"
    return found


def unnumbered(parts: Sequence[str]) -> list[str]:
    """Take the numbers away with which a message counts its questions: "1. … 2. …"."""
    counted = [bool(COUNTS.match(part)) for part in parts]
    return [COUNTS.sub("", part) for part in parts] if sum(counted) > 1 else list(parts)


def tidied(questions: Sequence[str]) -> list[str]:
    """Take away what joins questions within a sentence. A sentence keeps its "And": it refers to
    what was said before."""
    texts = [" ".join(one.split()) for one in questions]
    for at in range(1, len(texts)):
        texts[at] = SIGN.sub("", texts[at])
        if not texts[at - 1].endswith((".", "?", "!")):
            texts[at] = JOINS.sub("", texts[at])
    return [text.rstrip(" ,;:&/–—-") for text in texts]
