"""Is a sentence supported by the passages? Facts are compared, not word order.

Every number, date, amount, identifier and proper name of a sentence must stand in a passage.
What stands in the customer's own words may be repeated, but it supports nothing: a sentence
that only repeats the question ("Yes, we sell bicycles") claims something no record says.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

MONTHS = (
    "january february march april may june july august september october november december"
).split()  # fmt: skip
MONTH = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS) + r"|sept)\.?"
DATES = [
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\b"),
    re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{MONTH})(?:,? (?P<y>\d{{4}}))?\b", re.I
    ),
    re.compile(rf"\b(?P<m>{MONTH}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>\d{{4}}))?\b", re.I),
    re.compile(rf"\b(?P<m>{MONTH}) (?P<y>\d{{4}})\b", re.I),
]
# A code has letters and digits, or is joined by hyphens: FH-TNT-210, W2611340, 1-800-5.
CODE = re.compile(r"(?=[\w/-]*\d)(?=[\w/-]*[A-Za-z/-])[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)*|\S+@\S+\w")
NUMBER = re.compile(r"\d+(?:[.,]\d{3})*(?:[.,]\d+)?")
NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        (
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        ).split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100}
NAME = re.compile(r"[A-ZÀ-Þ][\w'’&-]*(?:\.(?=[A-Za-z]))?[\w'’&-]*")
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
# Words with which a sentence says that something is not on record.
ABSENT = re.compile(
    r"\b(?:do(?:es)? not|don['’]t|doesn['’]t|cannot|can['’]t|could not|couldn['’]t|isn['’]t|"
    r"is not|are not|not|no)\b[^.]{0,60}\b(?:on record|in (?:the|your|our|my) records?|"
    r"information|record|mention\w*|specif\w*|provid\w*|find|available|access|details?|data|know)\b",
    re.I,
)


@dataclass(frozen=True)
class Verdict:
    supported: bool
    # What the sentence says that no passage does, in the sentence's words.
    missing: tuple[str, ...]
    # Position of the passage that holds most of it; -1 without any.
    passage: int
    # Its facts that were not in the customer's own words.
    news: frozenset[str]
    # The sentence itself says that nothing is on record.
    absent: bool = False


def check(sentence: str, passages: Sequence[str], own_words: str) -> Verdict:
    """One record per passage: what a sentence says must stand in a single one of them, or a
    price of one thing could be told of another. own_words: what the customer said.

    Cost: some hundred microseconds.
    """
    judged = [
        (missing_in(passage, sentence, own_words), -overlap(sentence, passage), position)
        for position, passage in enumerate(passages)
    ]
    judged.sort(key=lambda one: (len(one[0]), *one[1:]))
    claims = facts(sentence)
    missing, shared, best = judged[0] if judged else (sorted(claims), 0.0, -1)
    return Verdict(
        supported=bool(judged) and not missing and (shared < 0 or bool(claims)),
        missing=tuple(dict.fromkeys(fact.split(":", 1)[-1] for fact in missing)),
        passage=best,
        news=frozenset(fact for fact in claims if not holds(vocabulary(own_words), fact)),
        absent=bool(ABSENT.search(sentence)),
    )


def missing_in(passage: str, sentence: str, own_words: str) -> list[str]:
    """What the sentence says that this passage does not."""
    held, asked, claims = vocabulary(passage), vocabulary(own_words), facts(sentence)
    missing = sorted(fact for fact in claims if not holds(held, fact))
    said, own, there = stems(sentence), stems(own_words), stems(passage)
    foreign = (said & own) - there
    news = (said & there) - own or any(not holds(asked, fact) for fact in claims)
    # The customer's words may be taken over by a sentence that brings news of its own and is
    # mostly about what the passage is about; a number that names the record says so best.
    named = sum(fact.startswith(("code:", "number:")) and holds(asked, fact) for fact in claims)
    if news and len(foreign) < 2 * named + len(said & own & there):
        return missing
    return missing + [f"word:{word}" for word in sorted(foreign)]


# --- facts: dates, codes, numbers, names, each in one spelling


@lru_cache(maxsize=2048)
def facts(text: str) -> frozenset[str]:
    found, rest = dates(text)
    codes = [code for code in CODE.findall(rest) if not ordinal(code)]
    for code in codes:
        rest = rest.replace(code, " ")
    found |= {f"code:{squeeze(code)}" for code in codes}
    found |= {f"number:{value}" for value in numbers(rest)}
    return frozenset(found | {f"name:{name}" for name in names(rest)})


@lru_cache(maxsize=2048)
def vocabulary(text: str) -> frozenset[str]:
    """What a text can support: its facts, and each of its words as a name."""
    return facts(text) | {f"name:{squeeze(word)}" for word in re.findall(r"[\w'’&.-]+", text)}


def holds(known: frozenset[str], fact: str) -> bool:
    """A date without its year is held by a full date; a code by its digits; a name by its stem."""
    if fact in known:
        return True
    kind, value = fact.split(":", 1)
    if kind == "date":
        return date_held(value, [other[5:] for other in known if other.startswith("date:")])
    if kind in {"number", "code"}:
        # "200ml" and "200 ml", "#10482" and "10482" are the same to a reader.
        digits = re.sub(r"\D", "", value)
        return any(
            other.startswith("code:") and digits and digits == re.sub(r"\D", "", other)
            for other in known
        ) or (kind == "code" and f"number:{digits}" in known)
    return kind == "name" and stem(value) in {
        stem(other[5:]) for other in known if other.startswith("name:")
    }


def date_held(claimed: str, known: list[str]) -> bool:
    """A part that either side leaves out fits; a year must at least be spoken of."""
    year = claimed.split("-")[0]
    spoken = year == "?" or any(date.startswith(year) for date in known)
    return spoken and any(
        all(
            a == b or "?" in (a, b)
            for a, b in zip(claimed.split("-"), date.split("-"), strict=True)
        )
        for date in known
    )


def dates(text: str) -> tuple[set[str], str]:
    """The dates as 'date:Y-M-D' ('?' where not said), and the text without them."""
    found = set()
    for pattern in DATES:
        for match in pattern.finditer(text):
            parts = {"y": "?", "d": "?", **{k: v for k, v in match.groupdict().items() if v}}
            found.add(f"date:{parts['y']}-{month(parts['m'])}-{parts['d'].lstrip('0')}")
        text = pattern.sub(" ", text)
    return found, text


def month(text: str) -> str:
    if text.isdigit():
        return str(int(text))
    return str([name[:3] for name in MONTHS].index(text[:3].lower()) + 1)


def ordinal(code: str) -> bool:
    return bool(re.fullmatch(r"\d+(?:st|nd|rd|th)", code))


def numbers(text: str) -> Iterator[str]:
    for match in NUMBER.findall(text):
        yield amount(match)
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in NUMBER_WORDS and word != "one":
            yield str(NUMBER_WORDS[word])


def amount(text: str) -> str:
    """'1,234.50', '1.234,50' and '1234.5' are one number."""
    if re.search(r"[.,]\d{3}[.,]|[.,]\d{3}$", text) and not re.fullmatch(r"0[.,]\d+", text):
        whole = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", text)
    else:
        whole = text
    value = float(whole.replace(",", "."))
    return f"{value:.10g}"


def names(text: str) -> Iterator[str]:
    """Capitalised words, except one that only begins a sentence and is an everyday word."""
    for match in NAME.finditer(text):
        word = squeeze(re.sub(r"['’]s$", "", match[0]))
        begins = not re.search(
            r"[^\s\"'“‘(\[*•-]", re.split(r"[.!?:]\s|\n", text[: match.start()])[-1]
        )
        if word and word not in STOPWORDS and len(word) > 1 and not begins:
            yield word


def squeeze(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return "".join(character for character in folded if character.isalnum() or character in "@.")


# --- words: what the sentence is about must be what a passage is about

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    return str(_stemmer.stemWord(word))


@lru_cache(maxsize=2048)
def stems(text: str) -> frozenset[str]:
    words = [squeeze(word) for word in WORD.findall(text)]
    return frozenset(
        _stemmer.stemWord(word)
        for word in words
        if word and word not in STOPWORDS and len(word) > 2
    )


def overlap(sentence: str, passage: str) -> float:
    """Share of the sentence's content words that the passage has."""
    words = stems(sentence)
    return len(words & stems(passage)) / len(words) if words else 0.0
