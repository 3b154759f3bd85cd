"""Reads the structure of an article's Markdown: under which headings each paragraph, each item of a
list and each table stands.

Headings have `#` marks or a row of dashes below them. A paragraph in bold is a heading below these;
bold words with a mark of their own ("**Guarantee.** Twelve months.") are the label of a paragraph.
"""

import re
from collections.abc import Iterator, Sequence

from crm.knowledge import tables

# A line, with the spaces before an item of a list; or the lines of a table.
Block = str | list[str]
# Levels and texts of the headings above a place.
Headings = list[tuple[int, str]]

# An item of a list, with its mark and its number or letter.
ITEM = re.compile(r"^(\s*)(?:[-–*•]|(\d{1,2})[.)]|([a-z])\)) ")
# Markdown's marks of headings, quotations and emphasis. "> 5 kg", "2**10" and "a_b_c" have none.
HEADING, QUOTATION = re.compile(r"^(#{1,6}) "), re.compile(r"^\s{0,3}(?:> ?)+(?!\s*\d+(?![.)\d]))")
CLOSING = re.compile(r"\s(?:#+|\{#[^{}\s]*\})$")
LINK = re.compile(r"\[([^\]\n]{1,120})\]\([^)\s]{1,500}\)")
STRONG = re.compile(r"(?<![\w*])\*\*(?=\S)([^*\n]{1,300})(?<=\S)\*\*(?![\w*])")
EMPHASIS = re.compile(r"(?<![\w*_])([*_])(?=\S)([^*_\n]{1,200})(?<=\S)\1(?![\w*_])")
ESCAPED = re.compile(r"\\([*_#>])")
# An escaped mark meanwhile: a character for private use.
PRIVATE = 0xE000
FENCE = re.compile(r"^\s*(?:```|~~~)[^`]*$")
# A row of marks makes the line above it a heading, or ends a part of the text.
UNDERLINE, RULE = re.compile(r"={3,}|-{3,}"), re.compile(r"([-*_])(?: ?\1){2,}")
# The start of an item of a list, "1. Open …", of a clause, "3.1 We are …", or of "Monday: 9 to 17",
# or the line "We do not take:".
OWN_LINE = re.compile(
    r"(?<!\s)\s*+(?:[-–*•]\s|\d{1,2}[.)]\s|[a-z]\)\s|\d{1,2}(?:\.\d{1,2}){1,3}\.?\s(?=[A-ZÀ-Þ])"
    r"|(?:\*\*)?[A-ZÀ-Þ][^:.!?,*]{0,40}:(?:\*\*)?(?: |$))"
)
BOLD = re.compile(r"^\*\*(?=\S)([^*\n]{1,120})(?<=[^\s.!:])\*\*$")
# More words before a full stop are a sentence.
LABEL = re.compile(
    r"^\*\*(?:([^*\n]{1,120}?)(?::\*\*|(?<=[?!])\*\*|\*\*:)|"
    r"((?:[^*\s.\d]+ ){0,4}[^*\s.\d]+)(?:\.\*\*|\*\*\.))\s+(?=\S)"
)
RULE_LEVEL, BOLD_LEVEL, LABEL_LEVEL = 1, 7, 8
# Words and characters; a longer heading is not repeated before what follows it. More words in bold
# are a sentence, unless they ask.
LONGEST, MOST_CHARACTERS, BOLD_WORDS = 15, 120, 6
ASKS = ("?", "？", "؟")
MARKS = (*ASKS, "!", "！")
# The last headings that are repeated together: "Austria: Express".
MOST_HEADINGS = 4


def sections(text: str, title: str = "") -> Iterator[tuple[str, list[Block]]]:
    """Yield what stands below each heading, with the heading, which is "" for the first part.

    title: a heading that says the same is left out.
    """
    above: Headings = []
    below: list[Block] = []
    for block in blocks(text):
        level, heading, rest = read(block)
        if not level and ends_label(block, above, below):
            yield joined(above, title), below
            above, below = above[:-1], []
        if not level:
            below.append(block)
            continue
        is_rule = not (heading or rest)
        if is_rule and not below:
            continue
        if below or (above and above[-1][0] >= level):
            yield joined(above, title), below
        above = [one for one in above if one[0] < level]
        above += [(level, heading)] if heading else []
        below = [rest] if rest else []
    yield joined(above, title), below


def read(block: Block) -> tuple[int, str, str]:
    """Return the level and the text of a heading, and what follows a label. The level is 0 if the
    block is no heading; a heading that is too long to be repeated is only what follows."""
    if isinstance(block, list):
        return 0, "", ""
    if RULE.fullmatch(block):
        return RULE_LEVEL, "", ""
    if marks := HEADING.match(block):
        text = CLOSING.sub("", plain(block[marks.end() :]))
        heading = LINK.sub(r"\1", text).rstrip(".: ")
        is_long = len(heading.split()) > LONGEST or len(heading) > MOST_CHARACTERS
        return (len(marks[1]), "", text) if is_long else (len(marks[1]), heading, "")
    if (bold := BOLD.match(block)) and (
        bold[1].endswith(ASKS) or len(bold[1].split()) <= BOLD_WORDS
    ):
        return BOLD_LEVEL, plain(bold[1]), ""
    if label := LABEL.match(block):
        return LABEL_LEVEL, plain(label[1] or label[2]), block[label.end() :]
    return 0, "", ""


def ends_label(block: Block, above: Headings, below: Sequence[Block]) -> bool:
    """Tell whether this block ends the reach of the label above it, which holds for its paragraph,
    and for a list or a table that the paragraph introduces."""
    if not below or not above or above[-1][0] != LABEL_LEVEL:
        return False
    last, is_item = below[-1], isinstance(block, str) and bool(ITEM.match(block))
    if isinstance(last, list):
        return True
    goes_on = is_item and bool(ITEM.match(last))
    is_introduced = (is_item or isinstance(block, list)) and plain(last).endswith((":", ","))
    return not (goes_on or is_introduced)


def joined(above: Headings, title: str) -> str:
    """Return the last headings as one. Of two questions, the lower one stands alone."""
    texts = [text for _, text in above if text.casefold() != title.casefold().rstrip(".: ")]
    whole = ""
    for text in texts[-MOST_HEADINGS:]:
        asks_anew = whole.endswith(ASKS) and text.endswith(ASKS)
        whole = text if asks_anew else under(whole, text)
    return whole


def under(heading: str, text: str) -> str:
    """Put the heading before a text."""
    if not heading:
        return text
    return f"{heading} {text}" if heading.endswith(MARKS) else f"{heading}: {text}"


def blocks(text: str) -> Iterator[Block]:
    for is_table, run in tables.grouped(without_fences(text.splitlines())):
        yield from [run] if is_table else unwrapped("\n".join(run))


def without_fences(lines: Sequence[str]) -> Iterator[str]:
    """Leave out the marks around code, in which "# stop" is no heading."""
    fences = [place for place, line in enumerate(lines) if FENCE.match(line)]
    # One that nothing closes is no fence.
    known, is_code = set(fences[: len(fences) // 2 * 2]), False
    for place, line in enumerate(lines):
        if place in known:
            is_code = not is_code
            yield ""
        else:
            yield f"\\{line.lstrip()}" if is_code and line.lstrip().startswith("#") else line


def unwrapped(text: str) -> Iterator[str]:
    """Join lines that a narrow window has broken; "- Sunday: closed" stays a line of its own."""
    lines: list[list[str]] = []
    for paragraph in re.split(r"\n\s*\n", text):
        begins = True
        for line in paragraph.splitlines():
            unquoted = QUOTATION.sub("", line)
            bare = " ".join(unquoted.split())
            if not begins and UNDERLINE.fullmatch(bare) and is_title(lines[-1]):
                lines[-1] = [f"{'#' if bare[0] == '=' else '##'} {lines[-1][0]}"]
                begins = True
            elif begins or RULE.fullmatch(bare) or HEADING.match(bare) or OWN_LINE.match(unquoted):
                indent = len(unquoted) - len(unquoted.lstrip()) if ITEM.match(bare) else 0
                lines.append([" " * indent + bare])
                begins = bool(RULE.fullmatch(bare) or HEADING.match(bare))
            else:
                lines[-1].append(bare)
    return (line for parts in lines if (line := " ".join(parts).rstrip()))


def is_title(lines: Sequence[str]) -> bool:
    return len(lines) == 1 and not ITEM.match(lines[0]) and not lines[0].endswith((".", *MARKS))


def plain(line: str) -> str:
    """Remove Markdown's marks of emphasis: customers read plain text."""
    if not {"*", "_", "\\"} & {*line} or any(PRIVATE < ord(one) < PRIVATE + 128 for one in line):
        return line
    kept = ESCAPED.sub(lambda found: chr(PRIVATE + ord(found[1])), line)
    unmarked = STRONG.sub(r"\1", EMPHASIS.sub(r"\2", kept))
    return "".join(
        chr(ord(one) - PRIVATE) if PRIVATE < ord(one) < PRIVATE + 128 else one for one in unmarked
    )
