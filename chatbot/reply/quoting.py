"""Tells what a sentence of the model is about in the record's own words.

A line of a record is true; a paraphrase of it would have to be proved, and nothing that was tried
does that well enough (docs/architecture.md). So the sentence only helps to choose the line.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from chatbot.engines import reader
from chatbot.reply.found import Line
from crm.knowledge import record_text
from crm.knowledge.search import Hit
from inference.grounding import restates, unheld
from inference.lines import CELL, cut, is_prose

ENDS = (".", "!", "?", ":", "…", "。", "！", "？")
# How much a line's nearness to the model's sentence counts beside its nearness to the question. Of
# 41 questions about articles of four companies, 0.54 are answered right with 1.0, 0.51 with 0.5.
SENTENCE = 1.0
# In units of the reader's score: a line so little behind the best one is told with it. Of the same
# questions, 0.46 are answered right and 0.15 wrongly with it, 0.37 and 0.27 without (2026-11-29).
DOUBT = 2.0
# Sentences that are told after the best one in an urgent matter. Of the answers to 24 grave
# messages to twelve firms, one lacked only what the next sentence says: "ring 999" (2026-11-30).
NEXT = 2
# What lines below one heading begin with: "In a fire: ", "Fire: In the stable: ".
HEADING = re.compile(r"(?:[^.:?!]{1,120}(?:: |[?!] )){1,6}")
# A numbered step, perhaps below a heading. A list is told to its end, because the last step may be
# the call for help.
STEP = re.compile(rf"(?:{HEADING.pattern})?(\d{{1,2}})[.)]\s")
# Lines that one sentence is told as: it may join two or three facts.
TOGETHER = 3


def meant(sentence: str, lines: Sequence[Line]) -> list[Line]:
    """Return the line that a sentence is about, and lines of the same record for the figures and
    names of the sentence that are not in it; an empty list if there are no lines."""
    if not lines:
        return []
    first, *others = by_nearness(sentence, lines)
    chosen, known = [first], f"{first.hit.title}\n{first.text}"
    for line in (line for line in others if line.hit.record == first.hit.record):
        missing = unheld(sentence, known)
        if not missing or len(chosen) == TOGETHER:
            break
        if len(unheld(sentence, f"{known}\n{line.text}")) < len(missing):
            chosen.append(line)
            known += f"\n{line.text}"
    return chosen


def with_rival(chosen: Sequence[Line], lines: Sequence[Line]) -> list[Line]:
    """Add the best of the other lines if the reader hardly prefers the first chosen one to it.
    lines: best first."""
    told = {line.source for line in chosen}
    rival = next((line for line in lines if line.source not in told), None)
    is_near = rival is not None and len(chosen) == 1 and chosen[0].rank - rival.rank < DOUBT
    return [*chosen, rival] if rival and is_near else list(chosen)


def following(line: Line) -> list[Line]:
    """Return up to NEXT lines of prose that follow a line of prose in an article, or the remaining
    steps of a list: one sentence seldom says everything that a person in danger needs to do."""
    if not line.hit.shared:
        return []
    rest = cut(line.hit.text)[1][line.place + 1 :]
    heading = shared_heading(line.text, rest[0]) if rest else ""
    if not is_advice(line.text, heading):
        return []
    after = [*takewhile(lambda text: text.startswith(heading) and is_advice(text, heading), rest)]
    count, last = NEXT, step_of(line.text)
    for at, text in enumerate(after):
        step = step_of(text)
        # A long step takes up several lines, of which only the first has a number.
        if step == last + 1 and (last or at < NEXT):
            count, last = max(count, at + 1), step
        elif step and step != last:
            break  # Another list.
    told = enumerate(after[:count], start=line.place + 1)
    return [replace(line, place=at, text=text) for at, text in told]


def is_advice(text: str, heading: str = "") -> bool:
    """Tell a sentence or a step from a field: below a heading, both look alike."""
    return is_prose(text) or bool(step_of(text)) or (bool(heading) and CELL not in text)


def step_of(text: str) -> int:
    """Return the number of the step that a line begins; 0 if it begins none."""
    found = STEP.match(text)
    return int(found[1]) if found else 0


def shared_heading(one: str, other: str) -> str:
    """Return the heading that two lines begin with, or ""."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    found = HEADING.match(one[:same])
    return found[0] if found else ""


def by_nearness(sentence: str, lines: Sequence[Line]) -> list[Line]:
    """Sort the lines by how near they are to the question and to the sentence."""
    passages = list(dict.fromkeys(line.hit.text for line in lines))
    near = dict(zip(passages, reader.line_reader().scores(sentence, passages), strict=True))
    return sorted(
        lines, key=lambda line: -(line.rank + SENTENCE * float(near[line.hit.text][line.place]))
    )


def restated(sentence: str, lines: Sequence[Line]) -> bool:
    """Tell whether there is one line, and the sentence says the same."""
    return len(lines) == 1 and restates(sentence, lines[0].text, lines[0].hit.title)


def in_its_words(lines: Sequence[Line]) -> str:
    """Write lines so that they are true by themselves; fields and rows name their record."""
    records = dict.fromkeys(line.hit.record for line in lines)
    return " ".join(of_record([line for line in lines if line.hit.record == id]) for id in records)


def of_record(lines: Sequence[Line]) -> str:
    fields = [line.text.replace(CELL, ", ") for line in lines if not is_prose(line.text)]
    prose = [ended(line.text) for line in lines if is_prose(line.text)]
    if lines[0].hit.shared:
        fields, prose = unrepeated(fields), unrepeated(prose)
    if fields:
        prose.insert(0, record_text.told(name_of(lines[0].hit), fields))
    return " ".join(prose)


def unrepeated(texts: Sequence[str]) -> list[str]:
    """Leave a heading out where the line before has the same one."""
    headings = [found[0] if (found := HEADING.match(text)) else "" for text in texts]
    return [
        text.removeprefix(heading) if heading == before else text
        for text, heading, before in zip(texts, headings, ["", *headings], strict=False)
    ]


def name_of(hit: Hit) -> str:
    return hit.title if hit.shared else record_text.name_of(hit.kind, hit.record, hit.title)


def ended(text: str) -> str:
    return text if text.endswith(ENDS) else f"{text}."
