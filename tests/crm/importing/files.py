"""Makes the files that tests import."""

import zipfile
from collections.abc import Iterable
from io import BytesIO

# Left, foot, size and text of a line; and whether it is bold.
Placed = tuple[float, float, float, str] | tuple[float, float, float, str, bool]


def pdf(pages: Iterable[Iterable[Placed]], count: int | None = None) -> bytes:
    """Return a PDF file of A4 pages. count: how many pages it declares."""
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects += [font.format(name).encode() for name in ("Helvetica", "Helvetica-Bold")]
    kids = []
    for page in pages:
        content = b"\n".join(shown(*line) for line in page)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    declared = len(kids) if count is None else count
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (declared, b" ".join(kids))
    return file_of(objects)


def shown(left: float, foot: float, size: float, text: str, bold: bool = False) -> bytes:
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")
    place = b"BT /F%d %g Tf 1 0 0 1 %g %g Tm " % (1 + bold, size, left, foot)
    return place + b"(%s) Tj ET" % escaped


def file_of(objects: list[bytes], trailer: bytes = b"") -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    size = len(objects) + 1
    end = b"trailer << /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF"
    return out + end % (size, trailer, out.index(b"xref\n"))


def text_pdf(*texts: str) -> bytes:
    """Return a PDF file with one page for each text, line by line in plain type."""
    pages = [
        [(50.0, 780.0 - 14 * place, 11.0, line) for place, line in enumerate(text.split("\n"))]
        for text in texts
    ]
    return pdf(pages)


def zipped(files: dict[str, str | bytes], level: int = 6) -> bytes:
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def xlsx(*sheets: list[list[object]]) -> bytes:
    """Return a workbook, each sheet given as rows."""
    from openpyxl import Workbook

    book = Workbook()
    for place, rows in enumerate(sheets):
        sheet = book.active if place == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    held = BytesIO()
    book.save(held)
    return held.getvalue()
