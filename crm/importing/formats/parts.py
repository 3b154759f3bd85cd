"""Cuts long documents into articles, so that each title says what its text is about.

- A document with several top headings (`#`) becomes one article for each.
- A document with headings that are questions becomes one article for each question.
- A document of more than LONG words is cut at its topmost headings, and parts that are still too
  long at the headings below them.
- Other documents stay whole.

A part is called after the document and its heading, "Terms – Returns"; in a document that is
called questions or FAQ, a question is a title by itself. The text before the first heading is an
article that is called as the document. Scraps of web pages are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from crm.importing.formats import limits
from crm.importing.formats.shapes import Document
from inference.text import encodable

# Words; a page and a half. A support article of more is a manual.
LONG = 600
# Words: a part of a web page that has fewer, and no figure, is a scrap such as "Follow us"; and
# what stands before the questions only greets the reader. The answer to one may be "No."
FEWEST, GREETING = 8, 20
# So many questions are no longer the sections of one article.
QUESTIONS = 3
HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*)")
FENCE = re.compile(r" {0,3}(```|~~~)")
UNDERLINE = re.compile(r"(?:={3,}|-{3,})[ \t]*")
LINK = re.compile(r"\[([^\[\]]{1,300})\]\([^()\s]{0,500}\)")
ANCHOR = re.compile(r" \{#[^{} ]{1,100}\}$")
FAQ = re.compile(r"\bfaqs?\b|\bquestions\b", re.I)
# Characters that a database does not store, or that only laid out the source.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\ufeff]")
LONGEST_TITLE, LONGEST_KEY = 300, 150


@dataclass
class Section:
    """A heading (level 0: none) and the lines up to the next one."""

    level: int
    heading: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        heading = f"{'#' * self.level} {self.heading}" if self.level else ""
        return "\n\n".join(filter(None, [heading, "\n".join(self.lines).strip("\n")]))

    @property
    def says(self) -> bool:
        return any(map(str.strip, self.lines))


@dataclass(frozen=True)
class Part:
    title: str
    # The headings above it, which tell the parts of a document apart.
    path: tuple[str, ...]
    text: str


def documents(name: str, title: str, text: str, of_page: bool = False) -> Iterator[Document]:
    """Yield the articles of a Markdown text.

    title: the document's, if it is told apart from the headings; of_page: it was a web page.
    """
    found = sections(clean(text))
    title = clean(title).strip()
    tops = [section for section in found if section.level == 1]
    opens = len(tops) == 1 and found[1] is tops[0] and not found[0].says
    if opens and title in {"", tops[0].heading}:
        # The only top heading is the title, and no part of the text.
        title = tops[0].heading
        found = [Section(0, "", tops[0].lines), *found[2:]]
    title = title or title_of(name)
    articles = list(cut(title, found))
    if len(articles) > limits.PARTS:
        articles = [Part(title, (), "\n\n".join(section.text for section in found))]
    if of_page:
        articles = [part for part in articles if says_enough(part)] or articles
    yield from named(name, articles)


def named(name: str, found: list[Part]) -> Iterator[Document]:
    """Yield the parts as documents whose names tell them apart."""
    names: Counter[str] = Counter()
    for part in found:
        key = " / ".join(part.path)[:LONGEST_KEY]
        for number, piece in enumerate(pieces(part.text), start=1):
            names[key] += 1
            again = f" {names[key]}" if names[key] > 1 else ""
            own = f"{name}#{key}{again}" if key or again else name
            more = f" ({number})" if number > 1 else ""
            yield Document(own, part.title[:LONGEST_TITLE] + more, piece)


def sections(text: str) -> list[Section]:
    """Return the text section by section; the first has no heading. Headings in code are code."""
    found, fence = [Section(0, "")], ""
    for line in text.split("\n"):
        if mark := FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        if not fence and (heading := HEADING.match(line)):
            found.append(Section(len(heading[1]), plain(heading[2])))
        elif not fence and is_underline(line, found[-1].lines):
            heading_above = found[-1].lines.pop()
            found.append(Section(1 if line[0] == "=" else 2, plain(heading_above)))
        else:
            found[-1].lines.append(line)
    return found


def is_underline(line: str, above: list[str]) -> bool:
    """Tell the line under a heading from a rule between paragraphs."""
    is_alone = len(above) == 1 or (len(above) > 1 and not above[-2].strip())
    return bool(
        is_alone and above[-1].strip() and "|" not in above[-1] and UNDERLINE.fullmatch(line)
    )


def plain(heading: str) -> str:
    """Return a heading's words without their marks."""
    words = ANCHOR.sub("", LINK.sub(r"\1", heading.strip().rstrip("#").strip()))
    return " ".join(words.replace("**", "").replace("__", "").replace("`", "").split())


def cut(title: str, found: list[Section], path: tuple[str, ...] = ()) -> Iterator[Part]:
    level = level_of_parts(title, found)
    if not level:
        text = "\n\n".join(filter(None, (section.text for section in found)))
        if any(section.says for section in found):
            yield Part(title, path, text)
        return
    groups: list[list[Section]] = [[found[0]]]
    for section in found[1:]:
        if section.level <= level:
            groups.append([])
        groups[-1].append(section)
    yield from cut(title, groups[0], path) if groups[0] != found else ()
    for head, *below in groups[1:]:
        inner = [Section(0, "", head.lines), *below]
        yield from cut(title_of_part(title, head.heading), inner, (*path, head.heading))


def says_enough(part: Part) -> bool:
    fewest = GREETING if FAQ.search(part.title) and not part.path else FEWEST
    is_long = len(part.text.split()) >= fewest or any(map(str.isdigit, part.text))
    return is_long or part.title.endswith("?")


def level_of_parts(title: str, found: list[Section]) -> int:
    """Return the level of the headings to cut at; 0 to leave the text whole."""
    levels = Counter(section.level for section in found[1:])
    several = [level for level in sorted(levels) if levels[level] > 1]
    if levels[1] > 1:
        return 1
    questions = Counter(one.level for one in found[1:] if one.heading.endswith("?"))
    fewest = 2 if FAQ.search(title) else QUESTIONS
    for level in several:
        if questions[level] >= fewest and questions[level] > levels[level] / 2:
            return level
    is_long = sum(len(section.text.split()) for section in found) > LONG
    return several[0] if is_long and several else 0


def title_of_part(title: str, heading: str) -> str:
    is_whole = heading.endswith("?") and FAQ.search(title)
    return heading if is_whole or not title else f"{title} – {heading}".removesuffix(" – ")


def title_of(name: str) -> str:
    """Return words for a file's name: "Returns policy" for "help/returns-policy.md"."""
    stem = PurePosixPath(name).stem
    spaced = stem if " " in stem else re.sub(r"[-_]+", " ", stem).strip()
    return spaced[:1].upper() + spaced[1:] or name


def clean(text: str) -> str:
    return encodable(CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def pieces(text: str) -> Iterator[str]:
    """Yield the text in pieces that a record can hold, cut between lines where it has any."""
    while len(text) > limits.TEXT:
        end = text.rfind("\n", limits.TEXT // 2, limits.TEXT) + 1 or limits.TEXT
        yield text[:end].strip("\n")
        text = text[end:]
    yield text.strip("\n")
