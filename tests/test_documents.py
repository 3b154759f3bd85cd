"""Documents lead where they say: every relative link has a target, and every anchor a heading."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
# The rest is hidden, or somebody's own data.
FOLDERS = ("chatbot", "crm", "deploy", "docs", "inference", "templates", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(p for top in FOLDERS for p in (ROOT / top).rglob("*.md"))])
LINK = re.compile(
    r"\]\(<?([^)\s>]+)>?[^)]*\)|\b(?:src|srcset|href)=\"([^\"\s]+)|^\[[^\]]+\]: (\S+)", re.M
)
ELSEWHERE = re.compile(r"[a-z]+:|//", re.I)
# A file of ours that a page names in backticks.
FILE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w/.-]*\w\.\w+)`")
# A page that code, a test or a script tells somebody to read.
NAMED = re.compile(r"(?<![\w./-])((?:docs|deploy|inference)/[\w/.-]+\.md|CONTRIBUTING\.md)")
TELLING = [
    *(
        path
        for top in FOLDERS
        for end in ("py", "sh", "yaml", "html")
        for path in (ROOT / top).rglob(f"*.{end}")
    ),
    ROOT / "Makefile",
]


def prose(page: str) -> str:
    """Without code, in which brackets are no links."""
    page = re.sub(r"^( *)(```|~~~).*?^\1\2", "", page, flags=re.M | re.S)
    page = re.sub(r"(?<=\n\n)(?: {4,}.*\n+)+", "", page)
    return re.sub(r"`[^`\n]*`", "", page)


def anchors(page: str) -> set[str]:
    """As GitHub makes them of headings: a second one of the same words is `words-1`."""
    page = re.sub(r"^( *)(```|~~~).*?^\1\2", "", page, flags=re.M | re.S)
    found: set[str] = set(re.findall(r"<a (?:id|name)=\"([^\"]+)", page))
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} (.+?)#*\s*$", page, flags=re.M):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def broken(path: Path, page: str) -> list[str]:
    """Sentences about the links of this page that lead nowhere."""
    wrong = []
    for link in (a or b or c for a, b, c in LINK.findall(prose(page))):
        if ELSEWHERE.match(link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = path.parent / file if file else path
        if not target.exists() or not target.resolve().is_relative_to(ROOT):
            wrong.append(f"{link} leads to no file of the repository.")
        elif anchor and anchor not in anchors(page if target == path else target.read_text()):
            wrong.append(f"{link} leads to no heading of {target.name}.")
    return wrong


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    assert broken(path, path.read_text()) == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_page_names_are_there(path: Path) -> None:
    assert [file for file in FILE.findall(path.read_text()) if not (ROOT / file).exists()] == []


def test_pages_that_code_names_are_there() -> None:
    named = {(path, page) for path in TELLING for page in NAMED.findall(path.read_text())}
    assert len(named) > 5
    absent = [
        f"{path.relative_to(ROOT)} names {page}"
        for path, page in named
        if not (ROOT / page).is_file()
    ]
    assert absent == []


def test_a_link_that_leads_nowhere_is_told() -> None:
    page = "# A `b` & C\n\n# A b C\n\n[a](#a-b--c) [b](#a-b-c) [c](#d) [d](nowhere.md#x) [e](https://e.example)"
    assert broken(ROOT / "README.md", page) == [
        "#d leads to no heading of README.md.",
        "nowhere.md#x leads to no file of the repository.",
    ]
    assert broken(ROOT / "README.md", "Try `a[0](x)`.\n\n    b[0](y)\n\n```\nc[0](z)\n```\n") == []
