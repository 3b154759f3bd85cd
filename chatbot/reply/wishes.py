"""Which of the inbox's actions the customer wishes for: from their own words, never from a model's.

A wish is a clause that begins with an action's words ("change my address"), or that has them after
"I want to", "can you", "how do I". A question for rules, times and prices is none, nor is a tale of
what has happened, nor a "do not".
"""

import re
from collections.abc import Iterator, Sequence

from chatbot.conversation.crm_requests import Offer
from inference.grounding import squeeze
from inference.grounding.words import stem

# Words that may stand between two of an action's: "send these boots back".
BETWEEN = 3
# Characters: what stands before each of a sentence's words is looked at.
LONGEST_SENTENCE = 1_000
# Words before an action's where they begin a clause: "Hello, please change my address".
OPENING = frozenset(
    "please hi hello hey dear sir madam ok okay and so then just good morning afternoon evening "
    "kindly also thanks yes no well".split()
)
SENTENCE = re.compile(r"[.!?;\n]+")
CLAUSE = re.compile(r"[,:()–—]|\b(?:but|so|and)\b", re.I)
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
ASKS = re.compile(
    r"\b(?:(?:i|we)(?:['’]d| would| wou?ld) (?:like|love|prefer)|"
    r"(?:i|we) (?:really |just |now |also )?(?:want|need|wish|have to|must)|"
    r"(?:i|we)(?:['’]m| am|['’]re| are) (?:looking|trying|hoping|wanting)|"
    r"want(?:ed)? to|need(?:ed)? to|wanna|gotta|would like|"
    r"(?:can|could|may|might|should) (?:i|we|you|u|someone|somebody|anyone|anybody)|"
    r"(?:will|would) (?:you|someone|somebody)|how (?:do|can|could|should|would|may) (?:i|we|you)|"
    r"how to|please|pls|plz|help|let me|assist(?:ance)?|(?:is|would) it (?:be )?possible)\b",
    re.I,
)
# Before the action's words: the customer asks about it, tells of it, or does not want it.
NO_WISH = re.compile(
    r"\b(?:when|whether|if|where|why|who|which|how (?:long|much|many|often|soon|late)|"
    r"what (?:is|are|was|were|does|do(?! i)|did|happens?|time|kind|sort)|what['’]s|"
    r"(?:is|are|was) there|do you|does|did|never|no need|not|\w+n['’]t|without|instead of|"
    r"rather than|already|have been|has been|had|was|were|about|status|after|since|because|"
    r"track|check|cancel|stop)\b",
    re.I,
)
SUPPOSES = re.compile(r"^\W*(?:what )?(?:if|when|suppose|in case|unless)\b", re.I)
# After them: not the doing is meant.
OF_IT = frozenset(
    "policy policies period window label fee fees cost costs charge charges price time times date "
    "status number conditions rules options option process procedure form code slip postage ticket "
    "flight trip journey limit deadline deadlines terms".split()
)


def heard(text: str, offers: Sequence[Offer]) -> int | None:
    """The action of the first wish in the text; where two begin with the same word, the one that is
    named in more."""
    for sentence in (said[:LONGEST_SENTENCE] for said in SENTENCE.split(text)):
        words = list(WORD.finditer(sentence))
        forms = [form(word[0]) for word in words]
        found = [
            (start, -len(phrase.split()), offer.action)
            for offer in offers
            for phrase in offer.words
            for start, after in spans(forms, [form(word) for word in phrase.split()])
            if is_wish(
                sentence[: words[start].start()], words[start][0], [one[0] for one in words[after:]]
            )
        ]
        if found:
            return min(found)[2]
    return None


def form(word: str) -> str:
    """ "returning" is "return"; "returned" tells of what was done."""
    bare = squeeze(word)
    return bare if bare.endswith("ed") else stem(bare)


def spans(said: list[str], wanted: list[str]) -> Iterator[tuple[int, int]]:
    """Where the wanted words begin, and the first place after them: in order, near together."""
    for start, word in enumerate(said):
        if not wanted or word != wanted[0]:
            continue
        at = start
        for one in wanted[1:]:
            near = said[at + 1 : at + 2 + BETWEEN]
            if one not in near:
                break
            at += 1 + near.index(one)
        else:
            yield start, at + 1


def is_wish(before: str, first: str, after: list[str]) -> bool:
    """By what stands before the action's words in their sentence, by the first of them, and by the
    word after them."""
    if SUPPOSES.search(before) or (after and after[0].lower() in OF_IT):
        return False
    clause = CLAUSE.split(before)[-1]
    if {squeeze(word) for word in WORD.findall(clause)} <= OPENING:
        return not first.endswith("ing")
    return bool(ASKS.search(clause)) and not NO_WISH.search(clause)
