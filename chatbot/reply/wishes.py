"""Detects which of the inbox's CRM actions a customer asks for, from their words, without a model.

A wish is a clause that begins with an action's words ("change my address"), or that has them after
"I want to", "can you" or "how do I". Questions about rules, times and prices are not wishes, and
neither are reports of what happened or a "do not".
"""

import re
from collections.abc import Iterator, Sequence

from chatbot.conversation.crm_requests import Offer
from inference.grounding import squeeze
from inference.grounding.words import stem

# Words that may stand between two of an action's: "send these boots back".
BETWEEN = 3
# Characters of a sentence that are read: the text before each word is searched.
LONGEST_SENTENCE = 1_000
# Words that may come before an action's in its clause: "Hello, please change my address".
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
# Before the action's words, these mean that the customer asks about it, reports it, or does not
# want it.
NO_WISH = re.compile(
    r"\b(?:when|whether|if|where|why|who|which|how (?:long|much|many|often|soon|late)|"
    r"what (?:is|are|was|were|does|do(?! i)|did|happens?|time|kind|sort)|what['’]s|"
    r"(?:is|are|was) there|do you|does|did|never|no need|not|\w+n['’]t|without|instead of|"
    r"rather than|already|have been|has been|had|was|were|about|status|after|since|because|"
    r"track|check|cancel|stop)\b",
    re.I,
)
SUPPOSES = re.compile(r"^\W*(?:what )?(?:if|when|suppose|in case|unless)\b", re.I)
# After the action's words, these mean a thing that belongs to it ("return policy").
ATTRIBUTES = frozenset(
    "policy policies period window label fee fees cost costs charge charges price time times date "
    "status number conditions rules options option process procedure form code slip postage ticket "
    "flight trip journey limit deadline deadlines terms".split()
)


def requested_action(text: str, offers: Sequence[Offer]) -> int | None:
    """Return the action of the first wish in the text; of two that begin at the same word, the one
    whose phrase has more words."""
    for sentence in (part[:LONGEST_SENTENCE] for part in SENTENCE.split(text)):
        words = list(WORD.finditer(sentence))
        forms = [form(word[0]) for word in words]
        wishes = [
            (start, -len(phrase.split()), offer.action)
            for offer in offers
            for phrase in offer.words
            for start, after in spans(forms, [form(word) for word in phrase.split()])
            if is_wish(
                sentence[: words[start].start()],
                words[start][0],
                [word[0] for word in words[after:]],
            )
        ]
        if wishes:
            return min(wishes)[2]
    return None


def form(word: str) -> str:
    """Reduce "returning" to "return", but keep "returned", which reports what happened."""
    bare = squeeze(word)
    return bare if bare.endswith("ed") else stem(bare)


def spans(words: list[str], phrase: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where the phrase starts and ends among the words; a few others may stand between."""
    for start, word in enumerate(words):
        if not phrase or word != phrase[0]:
            continue
        at = start
        for further in phrase[1:]:
            near = words[at + 1 : at + 2 + BETWEEN]
            if further not in near:
                break
            at += 1 + near.index(further)
        else:
            yield start, at + 1


def is_wish(before: str, first: str, after: list[str]) -> bool:
    """Decide by the text before the action's words in their sentence, by the first of them, and by
    the word after them."""
    if SUPPOSES.search(before) or (after and after[0].lower() in ATTRIBUTES):
        return False
    clause = CLAUSE.split(before)[-1]
    if {squeeze(word) for word in WORD.findall(clause)} <= OPENING:
        return not first.endswith("ing")
    return bool(ASKS.search(clause)) and not NO_WISH.search(clause)
