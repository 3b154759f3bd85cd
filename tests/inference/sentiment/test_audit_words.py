"""The audit's words are none that the classifier was trained on: otherwise it measures what was
learnt by heart."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.json_lines import rows
from inference.sentiment import distillation, written
from inference.sentiment.audit import templates

FOLDER = Path(distillation.__file__).parent
WORD = re.compile(r"[\w'-]+")
# People's names and groups; the other slots hold things, which anybody may write about.
PEOPLE = ("name", "identity")


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / name).read_text())
    return found


def words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))


def plain_english() -> set[str]:
    """The words of the training sentences, before any dialect."""
    phrases = read("phrases.json")
    slots = phrases.pop("slots")
    texts = [text for some in phrases.values() for text in some]
    texts += [text for name, some in slots.items() if name not in PEOPLE for text in some]
    return set().union(*map(words, texts))


def dialect_words() -> set[str]:
    """The words that training puts into its sentences and that are no plain English."""
    spoken = [text for rules in read("dialects.json").values() for some in rules.values()
              for text in some]  # fmt: skip
    return set().union(*(words(re.sub(r"\\g<0>|\\1", "", text)) for text in spoken)) - (
        plain_english()
    )


def taught(standard: str, other: str, rules: dict[str, list[str]]) -> Iterator[str]:
    """What the training's rules make of the standard sentence and stands in the other one."""
    for usual, spoken in rules.items():
        for match in re.finditer(rf"\b(?:{usual})\b", standard, re.IGNORECASE):
            for form in filter(None, map(match.expand, spoken)):
                said = re.compile(rf"(?<!\w){re.escape(form)}(?!\w)", re.IGNORECASE)
                if said.search(other) and not said.search(standard):
                    yield form


def sentences(texts: Any) -> Iterator[str]:
    """Every text that stands in a JSON value, at any depth."""
    if isinstance(texts, str):
        yield texts
    else:
        for inner in texts.values() if isinstance(texts, dict) else texts:
            yield from sentences(inner)


def plain(sentence: str) -> str:
    """As the training's rules leave it: without marks at its end, capitals and slots' names."""
    return " ".join(re.sub(r"\{\w+\}", "x", sentence).lower().split()).rstrip(".?! ")


def by_hand() -> Iterator[str]:
    """Yield the customers' messages that are trained on."""
    for folder in ("messages", "stories", "intents", "persons"):
        for path in sorted((FOLDER.parent / folder).glob("*.tsv")):
            yield from (row["text"] for row in written.rows(path))
    for path in sorted((FOLDER.parents[1] / "wishes" / "companies").glob("*.jsonl")):
        for row in rows(path):
            yield from (text for text, _ in row["messages"])
    for path in sorted((FOLDER.parent / "dialogues").glob("*.jsonl")):
        for row in rows(path):
            yield from row["messages"]


def trained_sentences() -> re.Pattern[str]:
    """Matches what training makes of one phrase; a slot may be filled with anything."""
    phrases = read("phrases.json")
    del phrases["slots"]
    patterns = (re.split(r"\\\{\w+\\\}", re.escape(one)) for one in sentences(phrases))
    return re.compile("|".join(plain(r"[\w' -]+".join(one)) for one in patterns), re.I)


def test_no_sentence_of_the_audit_was_trained_on() -> None:
    trained, given = trained_sentences(), templates()
    assert trained.fullmatch("i ordered it on monday")
    for words_only in ("names", "who", "pronouns"):
        del given[words_only]
    audited = list(sentences(given))
    assert len(audited) > 250
    said = [*by_hand(), *sentences(read("groups.json"))]
    assert not {plain(text) for text in audited} & {*map(plain, said)}
    assert [text for text in audited if trained.fullmatch(plain(text))] == []


def test_no_name_and_no_group_of_the_audit_was_trained_on() -> None:
    slots = read("phrases.json")["slots"]
    trained = {word for slot in PEOPLE for text in slots[slot] for word in words(text)}
    said = set().union(*map(words, by_hand()), *map(words, sentences(read("groups.json"))))
    given = templates()
    audited = [word for kind in ("names", "who") for some in given[kind].values() for word in some]
    assert len(audited) > 100
    assert [word for word in audited if words(word) & trained] == []
    # "grace" and "trans" are also other words.
    assert [word for word in audited if words(word) <= said - {"grace", "trans"}] == []


def test_no_dialect_word_of_the_audit_was_trained_on() -> None:
    trained, rules = dialect_words(), read("dialects.json")
    assert "ain't" in trained
    overlap = {
        other: found
        for dialect, pairs in templates()["dialects"].items()
        for standard, other in pairs
        if (found := (words(other) - words(standard)) & trained
            | set(taught(standard, other, rules[dialect])))
    }  # fmt: skip
    assert overlap == {}
