"""Turns HTML into Markdown: headings, lists, links and tables, without what surrounds them."""

import html
import re
from typing import Any

from inference.markup import BLOCKS, DEEPEST, TAG, UNSEEN, depth, grid, seen
from inference.markup import markdown as table

# Elements that surround the text of a page, are filled in, or run.
SURROUNDING = UNSEEN | frozenset("nav footer form select input textarea dialog menu canvas".split())
ROLES = frozenset("navigation search banner contentinfo dialog alert menu complementary".split())
HEADINGS = {f"h{level}": level for level in range(1, 7)}
# The text of a page, where it says so itself.
MAIN = ("main", "[role=main]", "article")
# A page of which less than that is in <main> has its text elsewhere.
MAIN_SHARE = 0.3
# How pages call the way that leads to them, and what they say of cookies.
AROUND = re.compile(
    r"breadcrumb|cookie[-_]?(?:banner|bar|box|consent|info|modal|notice|popup)", re.I
)
COOKIES = {"cookie", "cookies"}
ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)[^\s()<>]{1,500}")
BLANKS = re.compile(r"[ \t\r\n\f]+")
ITEM = re.compile(r"(?<! ) *+(?:-|\d{1,9}\.) ")
FENCE = "```"


def markdown(text: str) -> tuple[str, str]:
    """Return the page's title if none of its headings is one, and its text."""
    if depth(text) > DEEPEST:
        # The parser would take the square of the depth.
        return "", tidied(html.unescape(TAG.sub("\n", text)))
    from selectolax.lexbor import LexborHTMLParser

    page = LexborHTMLParser(text)
    root = main_of(page)
    body = tidied(Writer(page).written(root)) if root else ""
    title = page.css_first("head title")
    has_own = root and len(root.css("h1")) == 1
    # "Returns | Ash Tools"
    return (words(title).partition(" | ")[0] if title and not has_own else ""), body


def main_of(page: Any) -> Any:
    for selector in MAIN:
        found = page.css(selector)
        if len(found) == 1 and len(found[0].text()) > MAIN_SHARE * len(page.body.text()):
            return found[0]
    return page.body


def words(node: Any) -> str:
    return " ".join(node.text().split())


class Writer:
    """Writes a node and all below it, in a loop: pages nest hundreds of elements."""

    def __init__(self, page: Any) -> None:
        self.out: list[str] = []
        # Of each list that is open: the number of its next item; 0 if they have none.
        self.lists: list[int] = []
        self.level = 1
        self.most = MAIN_SHARE * len(page.body.text()) if page.body else 0
        # Answers that open when somebody clicks on their question are hidden until then.
        clicked = page.css("[aria-controls]")
        self.opened = {node.attributes["aria-controls"] for node in clicked}

    def written(self, root: Any) -> str:
        waiting = [(root, False)]
        while waiting:
            node, done = waiting.pop()
            if done:
                self.leave(node)
            elif node.tag == "-text":
                self.say(BLANKS.sub(" ", node.text_content or ""))
            elif self.is_told(node) and not self.whole(node):
                self.enter(node)
                waiting.append((node, True))
                children = list(node.iter(include_text=True))
                waiting += [(child, False) for child in reversed(children)]
        return "".join(self.out)

    def say(self, text: str) -> None:
        if text != " " or not (self.out and self.out[-1].endswith((" ", "\n"))):
            self.out.append(text)

    def is_told(self, node: Any) -> bool:
        given = node.attributes
        if node.tag in SURROUNDING or given.get("role") in ROLES:
            return False
        if self.is_around(node):
            return False
        return seen(node) or given.get("id") in self.opened

    def is_around(self, node: Any) -> bool:
        """Tell whether an element only surrounds the text. One that holds much of it does not,
        whatever its class says."""
        if node.tag in HEADINGS:
            return False
        given = node.attributes
        names = [given.get(name) or "" for name in ("class", "id", "aria-label")]
        called = any(map(AROUND.search, names)) or COOKIES & {*names[0].lower().split()}
        is_head = node.tag == "header" and not node.css_first("h1")
        return bool(called or is_head) and len(node.text()) <= self.most

    def whole(self, node: Any) -> bool:
        """Write a heading, a table or code, and tell whether the node was one."""
        if node.tag == "pre":
            self.out.append(f"\n\n{FENCE}\n{node.text().strip(chr(10))}\n{FENCE}\n\n")
        elif level := self.level_of(node):
            self.level = level if node.tag in HEADINGS else self.level
            self.out.append(f"\n\n{'#' * level} {words(node).rstrip('¶# ')}\n\n")
        elif node.tag == "table" and is_table(node):
            self.out.append(f"\n\n{table(node, list(grid(node)))}\n\n")
        else:
            # Other buttons say nothing.
            return bool(node.tag == "button")
        return True

    def level_of(self, node: Any) -> int:
        """Return the level of a heading, or of a question that opens its answer; else 0."""
        if not (text := words(node) if node.tag in {*HEADINGS, "summary", "button", "dt"} else ""):
            return 0
        if node.tag in HEADINGS:
            return HEADINGS[node.tag]
        asks = node.tag == "summary" or text.endswith("?")
        return min(self.level + 1, 6) if asks else 0

    def enter(self, node: Any) -> None:
        if node.tag in {"ul", "ol"}:
            self.out.append("" if self.lists else "\n\n")
            self.lists.append(int(node.tag == "ol"))
        elif node.tag == "li":
            self.out.append(f"\n{self.mark()}")
        elif node.tag in {"br", "dt", "dd"}:
            self.out.append("\n")
        elif node.tag in BLOCKS - {"ul", "ol"} and not (
            self.out and ITEM.fullmatch(self.out[-1].strip("\n"))
        ):
            self.out.append("\n\n")
        elif is_link(node):
            self.out.append("[")

    def mark(self) -> str:
        """Return the mark before an item, and count it."""
        indent = "  " * (len(self.lists) - 1)
        if not self.lists or not (number := self.lists[-1]):
            return f"{indent}- "
        self.lists[-1] += 1
        return f"{indent}{number}. "

    def leave(self, node: Any) -> None:
        if node.tag in {"ul", "ol"}:
            self.lists.pop()
            self.out.append("" if self.lists else "\n\n")
        elif node.tag in BLOCKS and not self.lists:
            self.out.append("\n\n")
        elif is_link(node):
            self.out.append(f"]({node.attributes['href'].strip()})")


def is_table(node: Any) -> bool:
    """Tell a table from one that only lays out the page."""
    return not node.css_first("table table") and max(map(len, grid(node)), default=0) > 1


def is_link(node: Any) -> bool:
    """Tell whether a link leads somewhere from outside the page, and has plain words."""
    if node.tag != "a" or not ADDRESS.fullmatch((node.attributes.get("href") or "").strip()):
        return False
    return bool(words(node)) and not any(child.tag in BLOCKS for child in node.iter())


def tidied(text: str) -> str:
    """Remove blanks and empty lines that only laid out the source, except in code."""
    lines, is_code = [], False
    for line in text.split("\n"):
        is_code ^= line == FENCE
        item = ITEM.match(line)
        indent = len(line) - len(line.lstrip()) if item else 0
        lines.append(line if is_code else " " * indent + " ".join(line.split()))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
