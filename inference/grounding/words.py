"""The words of a text, by their stems."""

import re
import unicodedata
from threading import Lock

import snowballstemmer

from inference.remembered import remembered

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
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


def overlap(sentence: str, passage: str) -> float:
    """Return the share of the sentence's content words that the passage has."""
    words = stems(sentence)
    return len(words & stems(passage)) / len(words) if words else 0.0


def squeeze(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return "".join(character for character in folded if character.isalnum() or character in "@.")


def letters(text: str) -> str:
    """Return the letters and digits of any script, in lower case."""
    return "".join(character for character in text.casefold() if character.isalnum())
