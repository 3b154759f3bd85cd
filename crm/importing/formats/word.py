"""Turns .docx files into Markdown, with headings, lists, links and tables in their places."""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise
from typing import Any

from inference.markup import WIDEST, line

HEADING = re.compile(r"heading ([1-6])", re.I)
LISTED = re.compile(r"list (bullet|number) ?(\d?)", re.I)
ITEM = re.compile(r"(?<! ) *+(?:-|1\.) ")
# Characters of a heading that somebody only made bold.
LONGEST_HEADING = 80


def markdown(data: bytes) -> str:
    from docx import Document

    document = Document(BytesIO(data))
    blocks = list(blocks_of(document.element.body, document))
    texts = [text for text in Blocks(document, blocks).written() if text]
    lines = texts[:1]
    for before, text in pairwise(texts):
        lines += [text] if ITEM.match(before) and ITEM.match(text) else ["", text]
    return "\n".join(lines)


def blocks_of(body: Any, document: Any) -> Iterator[Any]:
    """Yield paragraphs and tables, also those in content controls, which python-docx leaves out;
    tables of contents only repeat the headings."""
    from docx.oxml.ns import qn
    from docx.table import Table
    from docx.text.paragraph import Paragraph

    for element in body.iterchildren():
        if element.tag == qn("w:p"):
            yield Paragraph(element, document._body)
        elif element.tag == qn("w:tbl"):
            yield Table(element, document._body)
        elif element.tag == qn("w:sdt") and not element.xpath(".//w:docPartGallery"):
            for content in element.iterchildren(qn("w:sdtContent")):
                yield from blocks_of(content, document)


class Blocks:
    """Writes the blocks of a document, whose styles and lists say what each is."""

    def __init__(self, document: Any, blocks: list[Any]) -> None:
        self.blocks = blocks
        self.ordered = dict(ordered_lists(document))
        # Without styles, headings are lines in bold.
        self.styled = any(HEADING.match(style_of(block)) for block in blocks)

    def written(self) -> Iterator[str]:
        for block in self.blocks:
            if hasattr(block, "rows"):
                yield table(block)
            elif not style_of(block).lower().startswith("toc "):
                yield self.paragraph(block)

    def paragraph(self, block: Any) -> str:
        if not (text := text_of(block)):
            return ""
        if level := self.level(block, text):
            return f"{'#' * level} {' '.join(text.split())}"
        return f"{self.mark(block)}{text}"

    def level(self, block: Any, text: str) -> int:
        """Return the level of a heading; 0 for other paragraphs."""
        style = style_of(block)
        if style.lower() == "title":
            return 1
        if found := HEADING.match(style):
            return int(found[1])
        runs = [run for run in block.runs if run.text.strip()]
        is_bold = runs and all(run.bold for run in runs) and not text.endswith((".", ":", ","))
        return 2 if is_bold and not self.styled and len(text) <= LONGEST_HEADING else 0

    def mark(self, block: Any) -> str:
        """Return the mark before an item of a list; "" for other paragraphs."""
        properties = block._p.pPr
        numbered = properties.numPr if properties is not None else None
        if numbered is not None and numbered.numId is not None and numbered.numId.val:
            level = numbered.ilvl.val if numbered.ilvl is not None else 0
            is_ordered = self.ordered.get((numbered.numId.val, level), False)
        elif found := LISTED.match(style_of(block)):
            level, is_ordered = int(found[2] or 1) - 1, found[1].lower() == "number"
        else:
            return ""
        return f"{'  ' * min(level, 8)}{'1.' if is_ordered else '-'} "


def style_of(block: Any) -> str:
    style = getattr(block, "style", None)
    return (style.name or "") if style is not None else ""


def ordered_lists(document: Any) -> Iterator[tuple[tuple[int, int], bool]]:
    """Yield for each list and level whether its items are numbered."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml.ns import qn

    part = document.part
    if not any(one.reltype == RELATIONSHIP_TYPE.NUMBERING for one in part.rels.values()):
        return
    root = part.numbering_part.element
    kinds = {
        (one.get(qn("w:abstractNumId")), int(level.get(qn("w:ilvl")))): level
        for one in root.iterchildren(qn("w:abstractNum"))
        for level in one.iterchildren(qn("w:lvl"))
    }
    for number in root.iterchildren(qn("w:num")):
        kind = number.find(qn("w:abstractNumId")).get(qn("w:val"))
        for (abstract, depth), level in kinds.items():
            if abstract == kind:
                shown = level.find(qn("w:numFmt"))
                is_bullet = shown is not None and shown.get(qn("w:val")) in {"bullet", "none"}
                yield (int(number.get(qn("w:numId"))), depth), not is_bullet


def text_of(block: Any) -> str:
    parts = []
    for inner in block.iter_inner_content():
        address = getattr(inner, "url", "")
        is_link = address.startswith(("http://", "https://", "mailto:")) and inner.text.strip()
        parts.append(f"[{inner.text.strip()}]({address})" if is_link else inner.text)
    lines = "".join(parts).replace("\t", " ").split("\n")
    return "\n".join(" ".join(text.split()) for text in lines if text.strip())


def table(block: Any) -> str:
    """Write a Markdown table. A cell over several columns or rows is repeated in each: its text is
    about all of them."""
    rows: list[list[str]] = []
    for row in block._tbl.tr_lst:
        cells: list[str] = []
        for cell in row.tc_lst:
            above = rows[-1][len(cells)] if rows and len(cells) < len(rows[-1]) else ""
            text = above if cell.vMerge == "continue" else words_in(cell)
            cells += [text] * min(max(cell.grid_span, 1), WIDEST - len(cells))
        rows.append(cells)
    rows = [row for row in rows if any(row)]
    width = max(map(len, rows), default=0)
    if width < 2:
        return "\n\n".join(row[0] for row in rows)
    head, *below = [row + [""] * (width - len(row)) for row in rows]
    return "\n".join([line(head), line(["---"] * width), *map(line, below)])


def words_in(cell: Any) -> str:
    from docx.oxml.ns import qn

    return " ".join("".join(paragraph.text) for paragraph in cell.iter(qn("w:p"))).strip()
