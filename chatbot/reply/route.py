"""Decides who answers a turn: the bot from the records, the bot with a pleasantry, or a person."""

import re
from dataclasses import dataclass
from enum import StrEnum

from chatbot.reply import wording
from inference.grounding import squeeze
from inference.text import blank

UNANSWERED_LIMIT = 2

PERSON = (
    r"(?:human(?: being)?|(?:real |actual |live |living )?(?:person|people)|agents?|operators?|"
    r"representatives?|reps?|administrators?|developers?|technicians?|specialists?|experts?|advis[eo]rs?|assistants?|managers?|supervisors?|superior|boss|colleagues?|"
    r"someone(?: else| real| human)?|somebody|(?:customer|client) (?:service|support|care)|"
    r"support (?:team|staff|agent)|staff(?: member)?|member of staff|employee|consultant)"
)
REACH = (
    r"(?:speak|speaking|talk|talking|chat|chatting|connect|transfer|put|get|give|pass|patch|switch|"
    r"escalate|contact|contacting|reach|reaching|call|calling|phone|find|bring|hand|see|text|message)"
)
WANT = r"(?:want|need|wanna|prefer|require|demand)"
BEFORE = r"(?:please|just|a|an|the|real|live|any|hello|hi|now|give me)"
BOT = r"(?:bot|robot|machine|chat ?bot)s?"
ASKS_FOR_PERSON = [
    re.compile(pattern, re.I)
    for pattern in (
        rf"\b{REACH}\b(?:\W+\w+){{0,4}}?\W+{PERSON}\b",
        rf"\b{WANT}\b(?:\W+(?!to\b)\w+){{0,2}}?\W+{PERSON}\b(?!['’]s)",
        rf"^\W*(?:{BEFORE}\W+)*{PERSON}\W*+(?:(?:please|now|thanks)\W*+)?$",
        rf"\b(?:is|are|if) (?:there|their)(?: is| are)? (?:(?:an?|any) )?{PERSON}\b",
        rf"\b(?:could|can|would|ask)\W+(?:an? |one of your ){PERSON}(?: of yours)?(?: please)?\W+"
        r"(?:to )?(?:have a look|look|check|take|help|call|contact|answer|join|reply)",
        rf"\b(?:not|no more|stop with the|hate) (?:an? |this |the )?{BOT}\b",
    )
]
# "the agent who called me said …" is a report; "contact number of my manager" asks for a fact.
TELLS_OF_PERSON = re.compile(
    rf"\b(?:your|the|my|an?|another) {PERSON} "
    r"(?:who|that|said|told|promised|called|gave|was|did)\b|"
    r"\b(?:phone|telephone|number|e-?mail|address|name|salary|job)\b",
    re.I,
)

GREETING = frozenset(
    (
        "hello hi hey hiya heya yo good morning afternoon evening day greetings howdy there "
        "everyone team again all dear sir madam"
    ).split()
)
THANKS = frozenset(
    (
        "thanks thank you thx ty cheers much very so a lot many appreciated appreciate it for "
        "the your help that thats is was all great perfect lovely brilliant awesome super nice "
        "wonderful ok okay excellent cool fine good alright right got understood helpful kind "
        "bye and then i everything nothing else no more now well done job sounds works will do "
        "have nice day one"
    ).split()
)
FAREWELL = frozenset(
    ("bye goodbye ciao cya later see you soon have a nice good day night thanks").split()
)
SMALL_QUESTIONS = re.compile(
    r"^\W*(?:how are you|how(?:'s| is) it going|who are you|what are you"
    r"|are you (?:a |an )?(?:bot|robot|human|real|ai)[\w\s]{0,16}"
    r"|what can you do(?: for me)?|can you help(?: me)?|help(?: me)?)\W*$",
    re.I,
)


AGREES = re.compile(
    r"^\W*(?:(?:yes|yeah|yep|yup|sure|please|ok|okay|of course|go ahead|do (?:it|that|so)|"
    r"that would be (?:good|great|nice)|i would|i'd like that|thanks|thank you)\W*)+$",
    re.I,
)


class Target(StrEnum):
    BOT = "bot"
    CHAT = "chat"
    HUMAN = "human"
    FILES = "files"


@dataclass(frozen=True)
class Route:
    target: Target
    reason: str


def decide(text: str, offered: bool = False) -> Route:
    """Decide from the customer's words alone, before any search.

    offered: the last reply offered to pass the customer to a colleague.
    """
    if blank(text):
        return Route(Target.FILES, "Only files, which the bot cannot read.")
    if offered and AGREES.match(text):
        return Route(Target.HUMAN, "The customer accepted the offer of a person.")
    if asks_for_person(text):
        return Route(Target.HUMAN, "The customer asked for a person.")
    if pleasantry(text):
        return Route(Target.CHAT, "Small talk, answered without a record.")
    return Route(Target.BOT, "A question that the records may answer.")


def asks_for_person(text: str) -> bool:
    asks = any(pattern.search(text) for pattern in ASKS_FOR_PERSON)
    return asks and not TELLS_OF_PERSON.search(text)


def pleasantry(text: str) -> str | None:
    """Return the bot's answer to small talk, or None if the text is more than that."""
    if SMALL_QUESTIONS.match(text):
        return wording.ABOUT_THE_BOT
    words = {squeeze(word) for word in re.findall(r"[\w'’]+", text)}
    if not words:
        return wording.HERE if not blank(text) else None
    if words <= GREETING:
        return wording.HELLO
    if words <= FAREWELL and words & {"bye", "goodbye", "ciao", "cya", "later", "night"}:
        return wording.GOODBYE
    if words <= THANKS | GREETING:
        return wording.WELCOME
    return None
