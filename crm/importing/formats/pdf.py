"""Reads the lines of a PDF file's pages, with the sizes and places by which `layout` tells what
they are. PDFium is a browser's own library, and meets hostile files daily."""

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crm.importing.formats import limits
from crm.importing.formats.shapes import Unreadable

LOCKED = "has a password: save it without one"
# Characters of one page: no sheet of paper has a tenth.
MOST = 100_000
# Gaps as multiples of the size of the type. Between words there is a third, in justified text up to
# the whole; between the columns of a table there is more. In narrow tables there is less, but no
# blank is written there: PDFium adds one.
GAP, NARROW_GAP = 1.3, 0.4
BOLD = 600
# PDFium gives this for a hyphen at the end of a line.
HYPHEN = "\x02"


@dataclass(frozen=True)
class Cell:
    left: float
    right: float
    text: str
    # Whether the gap before it is so wide that it can be nothing but a cell.
    apart: bool


@dataclass(frozen=True)
class Line:
    cells: tuple[Cell, ...]
    # Of its first character: the place of its foot from the bottom of the page, its size in points.
    foot: float
    size: float
    bold: bool

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)


Page = list[Line]


def pages_of(data: bytes) -> Iterator[Page]:
    """Yield the lines of each page, in the order in which they were written. Raises Unreadable."""
    import pypdfium2
    from pypdfium2 import raw

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
            raise Unreadable(LOCKED) from None
        raise
    if len(document) > limits.PAGES:
        raise Unreadable(f"has more than {limits.PAGES:,} pages: import it in parts")
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError:  # One damaged page does not keep the others from being read.
            continue
        text = page.get_textpage()
        yield list(lines_of(text.raw, min(text.count_chars(), MOST)))
        text.close()
        page.close()


def lines_of(text: Any, count: int) -> Iterator[Line]:
    from pypdfium2 import raw

    start = 0
    for place in range(count + 1):
        letter = chr(raw.FPDFText_GetUnicode(text, place)) if place < count else "\n"
        if letter in "\r\n" + HYPHEN:
            end = place + (letter == HYPHEN)
            if line := line_of(text, start, end):
                yield line
            start = place + 1


def line_of(text: Any, start: int, end: int) -> Line | None:
    """Return the line of these characters; None if they are blank."""
    from pypdfium2 import raw

    first, size = -1, 0.0
    cells: list[Cell] = []
    letters: list[str] = []
    cell_left = cell_right = 0.0
    apart, added = True, False
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    for place in range(start, end):
        letter = chr(raw.FPDFText_GetUnicode(text, place)).replace(HYPHEN, "-")
        if letter.isspace() or letter == "\x00":
            letters.append(" ")
            added = raw.FPDFText_IsGenerated(text, place) == 1
            continue
        raw.FPDFText_GetCharBox(text, place, left, right, bottom, top)
        if first < 0:
            first, size, cell_left = place, size_of(text, place), left.value
        elif (gap := left.value - cell_right) > (NARROW_GAP if added else GAP) * size:
            cells.append(Cell(cell_left, cell_right, joined(letters), apart))
            letters, cell_left, apart = [], left.value, gap > GAP * size
        letters.append(letter)
        cell_right, added = right.value, False
    if first < 0:
        return None
    cells.append(Cell(cell_left, cell_right, joined(letters), apart))
    return Line(tuple(cells), foot_of(text, first), round(size, 1), is_bold(text, first))


def joined(letters: list[str]) -> str:
    """Return the text; PDFium gives characters beyond 16 bits in two halves."""
    text = "".join(letters).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(text.split())


def matrix_of(text: Any, place: int) -> Any:
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(text, place, matrix)
    return matrix


def size_of(text: Any, place: int) -> float:
    """Return the size that is seen: the font's, as the page scales it."""
    from pypdfium2 import raw

    matrix = matrix_of(text, place)
    scale = math.hypot(matrix.b, matrix.d)
    return float(raw.FPDFText_GetFontSize(text, place)) * (scale or 1.0)


def foot_of(text: Any, place: int) -> float:
    return float(matrix_of(text, place).f)


def is_bold(text: Any, place: int) -> bool:
    """Tell from the font's weight, or from its name: few files give the weight."""
    from pypdfium2 import raw

    name, flags = ctypes.create_string_buffer(100), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text, place, name, 100, flags)
    named = any(word in name.value.lower() for word in (b"bold", b"black", b"heavy"))
    return named or raw.FPDFText_GetFontWeight(text, place) >= BOLD
