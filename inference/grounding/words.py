"""The words of a text, by their stems."""

import re
import unicodedata
from threading import Lock

import snowballstemmer

from inference.remembered import remembered

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
CONTRACTED = re.compile(r"n['’]t$", re.I)
STOPWORDS = frozenset(
    (
        "a about above after again all already also although always am an and any anything are "
        "as at be because been before being below between both but by can cannot could day days "
        "did do does doing done down during each either else ever every few for from further "
        "get gets give given go goes going gone got had has have having he hello help her here "
        "hers hi him his how however i if in into is it its itself just know left let like ll made "
        "make many may me might more most much must my name named need no nor not now of off ok "
        "okay on once one only onto or other our ours out over own per perhaps please quite "
        "rather re really right said same say see seems shall she should since so some soon "
        "still such sure take than thank thanks that the their them then there therefore these "
        "they thing this those though through till to too under until up upon us ve very was "
        "way we well were what when where whether which while who whom whose why will wish with "
        "within without would yes yet you your yours today tomorrow yesterday currently "
        "following according record records show shows shown listed list information detail "
        "details customer number date order orders item items product products"
    ).split()
)
# Words without a meaning of their own.
FUNCTION_WORDS = frozenset(
    (
        "a an the and or but of to in on at by for from with as is are was were be been being "
        "am do does did has have had having it its this that these those there here i you he "
        "she we they me him her us them my your his our their yours ours will would can could "
        "may might shall should must so if then than when where which who whom whose what how "
        "why not no yes also just only very quite please about into out up down over under "
        "again currently already ll ve re s t d m record records"
    ).split()
)
# Words that occur in sentences about anything.
COMMON_WORDS = frozenset(
    (
        "still now yet so far soon currently already time day date moment order booking account "
        "note noted listed shown set come comes run runs go goes take takes get gets make made got "
        "need needs want ask asked tell told say says state status total whole number name part "
        "one two three four five six seven eight nine ten first last next new other same both all "
        "each any some every there here back ready please thank thanks sorry glad happy help let "
        "know see look find found use used way thing things lot bit able available includes "
        "good right otherwise possible instead okay fine well really actually simply anything "
        "include included including planned scheduled expected due under between through during"
    ).split()
)

_stemmer = snowballstemmer.stemmer("english")
_one_at_a_time = Lock()


@remembered
def stem(word: str) -> str:
    with _one_at_a_time:  # The stemmer keeps the word in itself while it works on it.
        return str(_stemmer.stemWord(word))


@remembered
def stems(text: str) -> frozenset[str]:
    words = [squeeze(word) for word in WORD.findall(text)]
    return frozenset(
        stem(word) for word in words if word and word not in STOPWORDS and len(word) > 2
    )


@remembered
def context(text: str) -> frozenset[str]:
    """Return the stems of all words with a meaning, also "order" and "date"."""
    words = [squeeze(word) for word in WORD.findall(text)]
    return frozenset(stem(word) for word in words if word and word not in FUNCTION_WORDS)


def novel(text: str, source: str) -> list[str]:
    """Return the words that the source does not have in any form, except the commonest."""
    known = context(source)
    words = [squeeze(word) for word in WORD.findall(text) if not CONTRACTED.search(word)]
    return [
        word
        for word in dict.fromkeys(words)
        if word and word not in FUNCTION_WORDS | COMMON_WORDS and stem(word) not in known
    ]


def overlap(sentence: str, passage: str) -> float:
    """Return the share of the sentence's content words that the passage has."""
    words = stems(sentence)
    return len(words & stems(passage)) / len(words) if words else 0.0


def squeeze(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return "".join(character for character in folded if character.isalnum() or character in "@.")
