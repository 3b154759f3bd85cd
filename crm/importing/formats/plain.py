"""Reads Markdown and plain text."""

import re

# The head of a Markdown file that site generators read: "---", lines "title: …", "---".
FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(?P<head>(?:(?!---|\.\.\.)[^\n]*\n){0,100})(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
TITLE = re.compile(r"^title:[ \t]*(.+)$", re.M | re.I)
HEADING = re.compile(r"#{1,6} ")
LIST = re.compile(r"(?:[-*•]|\d{1,2}[.)]) ")
# "3", "3.2" or "§ 3." before a heading.
NUMBERED = re.compile(r"(?:§ ?)?\d{1,2}((?:\.\d{1,2}){0,3})\.? +(?=[A-ZÀ-Þ])")
LONGEST_HEADING = 80


def front_matter(text: str) -> tuple[str, str]:
    """Return the title of the front matter, "" without one, and the text below it."""
    text = text.lstrip("\n")
    if not (found := FRONT_MATTER.match(text)):
        return "", text
    title = TITLE.search(found["head"])
    return (title[1].strip().strip("\"'") if title else ""), text[found.end() :]


def markdown(text: str) -> str:
    """Return plain text with its headings marked: short lines that stand alone before a text. A
    text that is Markdown already stays as it is."""
    lines = [line.rstrip() for line in text.split("\n")]
    if any(HEADING.match(line) for line in lines):
        return text
    alone = ["", *lines, ""]
    out = []
    for before, line, after, later in zip(alone, lines, alone[2:], [*alone[3:], ""], strict=False):
        is_heading = not before and not after and later and looks_like_heading(line)
        out.append(f"## {line.strip()}" if is_heading else line)
    return "\n".join(out)


def looks_like_heading(line: str) -> bool:
    """Tell a heading from a sentence or a list's item by the looks of a line that stands alone."""
    bare = line.strip()
    if not bare or len(bare) > LONGEST_HEADING or bare.endswith((".", ",", ";", ":", "!")):
        return False
    if NUMBERED.match(bare):
        return True
    return not LIST.match(bare) and (bare[0].isupper() or bare.endswith("?")) and "|" not in bare
