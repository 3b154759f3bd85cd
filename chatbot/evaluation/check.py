"""Checks single sentences against a text as the pipeline does, but without a question: every line
may be told, and none beside the one that the sentence is about."""

from dataclasses import dataclass

from chatbot.engines import reader
from chatbot.reply.found import Line
from chatbot.reply.quoting import in_its_words, meant, restated
from crm.knowledge.search import Hit
from inference.grounding import lacking, says_absent
from inference.lines import cut


@dataclass(frozen=True)
class Checked:
    # What is shown for the sentence: itself, the text's own words, or nothing.
    text: str
    missing: tuple[str, ...]
    # How near the text's nearest line is to the sentence; lowest if a rule withholds it.
    score: float


def check(sentence: str, text: str, own_words: str = "") -> Checked:
    missing = tuple(lacking(sentence, [text], own_words))
    title, lines = cut(text)
    if missing or says_absent(sentence) or not lines:
        return Checked("", missing, LOWEST)
    hit = Hit("text", "text", title, text, shared=True, score=0.0, meaning=0.0)
    chosen = meant(sentence, [Line(hit, at, one, 0.0, 0.0) for at, one in enumerate(lines)])
    [scores] = reader.line_reader().scores(sentence, [text])
    shown = sentence if restated(sentence, chosen) else in_its_words(chosen)
    return Checked(shown, (), float(scores.max()))


LOWEST = -100.0
