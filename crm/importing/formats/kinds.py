"""Tells what a file is: by its content first, by its name where that leaves it open."""

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile

from crm.importing.formats.encodings import START, opened
from crm.importing.formats.shapes import Unreadable

TABLES = frozenset({"csv", "xlsx", "jsonl"})
DOCUMENTS = frozenset({"md", "txt", "html", "docx", "pdf"})
READ = ".csv, .tsv, .xlsx, .jsonl, .md, .html, .txt, .docx, .pdf or .zip"
# Endings of text files, with what they hold if their content does not say otherwise.
ENDINGS = {
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "xls": "csv",  # Web systems often call a text an Excel file.
    "xlsx": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "md": "md",
    "markdown": "md",
    "html": "html",
    "htm": "html",
    "xhtml": "html",
    "txt": "txt",
    "text": "txt",
}
OTHER = (
    (
        b"\xd0\xcf\x11\xe0",
        "is in an old Office format or protected by a password: open it and save it "
        "as .xlsx or .docx, without a password",
    ),
    (b"\x89PNG", "is a picture: write down what it says"),
    (b"\xff\xd8\xff", "is a picture: write down what it says"),
    (b"GIF8", "is a picture: write down what it says"),
    (b"{\\rtf", "is an RTF file: open it and save it as .docx"),
    (b"\x1f\x8b", "is packed with gzip: unpack it first"),
    (b"7z\xbc\xaf", "is packed with 7-Zip: unpack it, or pack it as .zip"),
    (b"Rar!", "is packed with RAR: unpack it, or pack it as .zip"),
)
# Files of Office and its kin, by a member's name.
PACKED = (
    ("word/document.xml", "docx"),
    ("xl/workbook.xml", "xlsx"),
    ("xl/workbook.bin", "is an .xlsb file: open it and save it as .xlsx"),
    ("ppt/presentation.xml", "is a presentation: export it as .pdf"),
    ("content.xml", "is an OpenDocument file: open it and save it as .xlsx, .docx or .pdf"),
)
HTML = ("<!doctype html", "<html", "<head", "<body")


@dataclass(frozen=True)
class File:
    # Its path in a ZIP.
    name: str
    data: bytes


def kind_of(file: File) -> str:
    """Return "zip", or one of TABLES or DOCUMENTS. Raises Unreadable."""
    start = file.data[:START]
    if not start.strip():
        raise Unreadable("is empty: choose another file")
    if b"%PDF-" in start[:1_024]:
        return "pdf"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return packed(file.data)
    for mark, sentence in OTHER:
        if start.startswith(mark):
            raise Unreadable(sentence)
    return kind_of_text(file)


def packed(data: bytes) -> str:
    try:
        names = set(ZipFile(BytesIO(data)).namelist())
    # zipfile raises NotImplementedError at a member that asks for a later version of ZIP than there
    # is. No program writes that: the entry is damaged.
    except (BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable("is a damaged ZIP: create it again") from error
    kind = next((kind for name, kind in PACKED if name in names), "zip")
    if " " in kind:
        raise Unreadable(kind)
    return kind


def kind_of_text(file: File) -> str:
    ending = PurePosixPath(file.name.lower()).suffix[1:]
    with opened(file.data[:START]) as text:
        start = text.read()
    if ending not in {"md", "markdown"} and is_html(start):
        return "html"
    if ending in {"csv", "txt", ""} and is_object(start.lstrip().partition("\n")[0]):
        return "jsonl"
    if ending in ENDINGS:
        return ENDINGS[ending]
    raise Unreadable(f"cannot be imported: choose {READ}")


def is_html(start: str) -> bool:
    """Tell a page by its first element; a declaration and a comment may stand before it."""
    text = start.lstrip().lower()
    for opens, closes in (("<?xml", "?>"), ("<!--", "-->")):
        if text.startswith(opens):
            text = text.partition(closes)[2].lstrip()
    return text.startswith(HTML)


def is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
