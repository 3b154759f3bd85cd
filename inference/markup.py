"""Turns HTML into plain text, its tables into Markdown, and removes inline pictures."""

import html
import re
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

# Tags that mail programs and help centres write. "<5 kg" and "<alice@ash.example>" are no tags.
TAG = re.compile(
    r"<(?=[/a-z!])(?:/?(?:a|abbr|article|b|big|blockquote|body|br|center|code|col|colgroup|dd|del|details|div|dl|dt"
    r"|em|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|ins|label|li"
    r"|link|main|mark|meta|nav|noscript|object|ol|p|picture|pre|q|s|script|section|small|span|strike"
    r"|strong|style|sub|summary|sup|svg|table|tbody|td|template|tfoot|th|thead|title|tr|tt|u|ul"
    r"|video)(?:\s[^<>]*)?/?>|!--|!doctype\b)",
    re.I,
)
ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d{0,2});", re.I)
PICTURE = re.compile(
    r"!\[([^\]\n]{0,200})\]\(data:[^)\s]*\)|data:[\w.+-]{1,80}/[\w.+-]{1,80};base64,[\w+/=%-]*",
    re.I,
)
UNSEEN = frozenset(
    "script style head title noscript template iframe object svg audio video -comment".split()
)
BLOCKS = frozenset(
    "p div h1 h2 h3 h4 h5 h6 ul ol dl table tr td th pre section article header footer main nav "
    "aside figure figcaption address hr form fieldset details summary blockquote caption".split()
)
# Tags of elements that end only at an explicit end tag.
NESTED = re.compile(
    r"<(/?)(?!(?:p|li|td|th|tr|dt|dd|br|hr|img|input|meta|link|col|tbody|thead|option)\b)[a-z]",
    re.I,
)
# The parser's time grows with the square of the depth. In a mail that was answered a hundred times,
# each answer quotes the one before.
DEEPEST = 500
HIDDEN = re.compile(r"display\s*:\s*none", re.I)
# Most columns of a table, rows of a cell and characters of a table: cells that span many rows
# are repeated in each of them.
WIDEST, TALLEST, LARGEST = 50, 200, 400_000


def without_markup(text: str) -> str:
    """Return plain text; a text without markup is returned unchanged."""
    if "data:" in text:
        text = PICTURE.sub(r"\1", text)
    if TAG.search(text):
        if depth(text) > DEEPEST:
            return tidied(html.unescape(TAG.sub(" ", text)))
        return tidied(rendered(LexborHTMLParser(text).body))
    return html.unescape(text) if ENTITY.search(text) else text


def depth(text: str) -> int:
    level = deepest = 0
    for tag in NESTED.finditer(text):
        level += -1 if tag[1] else 1
        deepest = max(deepest, level)
    return deepest


def tidied(text: str) -> str:
    """Remove blanks and empty lines that only laid out the source."""
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def rendered(root: Any) -> str:
    out: list[list[str]] = [[]]
    waiting = [(root, False)] if root else []
    # A loop, not recursion: mails nest thousands of elements.
    while waiting:
        node, done = waiting.pop()
        if done:
            leave(node.tag, out)
        elif node.tag == "-text":
            out[-1].append(re.sub(r"\s+", " ", node.text_content or ""))
        elif seen(node):
            rows = list(grid(node)) if node.tag == "table" else []
            if rows and not node.css_first("table table") and max(map(len, rows)) > 1:
                out[-1].append(f"\n\n{markdown(node, rows)}\n\n")
                continue
            enter(node, out)
            waiting.append((node, True))
            waiting += [(child, False) for child in reversed(list(node.iter(include_text=True)))]
    return "".join(out[0])


def seen(node: Any) -> bool:
    if node.tag in UNSEEN:
        return False
    attributes = node.attributes
    return "hidden" not in attributes and not HIDDEN.search(attributes.get("style") or "")


def enter(node: Any, out: list[list[str]]) -> None:
    if node.tag == "blockquote":
        out.append([])
    elif node.tag == "img":
        out[-1].append(node.attributes.get("alt") or "")
    elif node.tag in {"br", "li", "dt", "dd"}:
        out[-1].append("\n- " if node.tag == "li" else "\n")
    elif node.tag in BLOCKS:
        out[-1].append("\n\n")


def leave(tag: str, out: list[list[str]]) -> None:
    if tag == "blockquote":
        quoted = tidied("".join(out.pop())).split("\n")
        out[-1].append("\n\n" + "\n".join(f"> {line}" if line else "" for line in quoted))
    if tag in BLOCKS:
        out[-1].append("\n\n")


# --- tables


def grid(table: Any) -> Iterator[list[Any]]:
    """Yield the rows; a cell that spans several columns or rows is repeated in each of them."""
    below: dict[int, tuple[Any, int]] = {}
    for row in table.css("tr"):
        cells: list[Any] = []
        for cell in [node for node in row.iter() if node.tag in {"td", "th"}]:
            add_spanning(cells, below)
            for _ in range(min(span(cell, "colspan", WIDEST), WIDEST - len(cells))):
                if (rows := span(cell, "rowspan", TALLEST)) > 1:
                    below[len(cells)] = cell, rows - 1
                cells.append(cell)
        add_spanning(cells, below)
        if cells:
            yield cells


def add_spanning(cells: list[Any], below: dict[int, tuple[Any, int]]) -> None:
    """Add the cells of rows above that reach down into this row's next column."""
    while (spanning := below.pop(len(cells), None)) is not None:
        cell, rows = spanning
        if rows > 1:
            below[len(cells)] = cell, rows - 1
        cells.append(cell)


def span(cell: Any, name: str, most: int) -> int:
    given = cell.attributes.get(name) or ""
    return min(max(int(given), 1), most) if re.fullmatch(r"[0-9]{1,5}", given) else 1


def markdown(table: Any, rows: list[list[Any]]) -> str:
    """Write a Markdown table. Several header rows become one; a table without any gets empty
    headers."""
    heads = 0
    while heads < len(rows) - 1 and all(is_head(cell) for cell in rows[heads]):
        heads += 1
    width = max(map(len, rows))
    top = [
        " ".join(dict.fromkeys(texts)) for texts in zip(*map(row_of, rows[:heads]), strict=False)
    ]
    caption = table.css_first("caption")
    lines = [tidied(caption.text())] if caption else []
    lines += [line(top or [""] * width), line(["---"] * width)]
    size = 0
    for row in rows[heads:]:
        lines.append(line(row_of(row)))
        size += len(lines[-1])
        if size > LARGEST:
            break
    return "\n".join(lines)


def is_head(cell: Any) -> bool:
    return cell.tag == "th" or cell.parent.parent.tag == "thead"


def row_of(cells: list[Any]) -> list[str]:
    return [" ".join(rendered(cell).split()) for cell in cells]


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
