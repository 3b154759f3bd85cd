"""Finds the encoding of a text file from its bytes."""

import codecs
from io import BytesIO, TextIOWrapper

from crm.importing.formats.shapes import Unreadable

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes at the start by which UTF-16 and binary files are told; and those, in the lines that are not
# ASCII, from which other encodings are guessed: more takes charset-normalizer longer, not further.
START, GUESSED = 8_192, 16_384
# Half of the bytes of Western text in UTF-16 are zeros, and even among Chinese a tenth: blanks,
# digits, commas and ends of lines.
ZEROS = 0.1
# Bytes that no text has. A text may hold some by mistake: so many, or that share of them all.
CONTROLS = frozenset({*range(9), *range(14, 27), *range(28, 32)})
FEW, SHARE = 8, 0.02
# Encodings of Excel on Windows and of old systems, the likeliest first. charset-normalizer knows
# ninety, many of which cannot be told apart by a few names.
LIKELY = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
]
BINARY = "is not a text, although its name says so: export it again from its original program"


def text_of(data: bytes) -> str:
    """Return the text with "\\n" at the ends of its lines, free of what no database stores."""
    with opened(data, newline=None) as file:
        return file.read().replace("\x00", "")


def opened(data: bytes, newline: str | None = "") -> TextIOWrapper:
    """Return the text as a file. Bytes that the encoding does not have become "\ufffd"."""
    return TextIOWrapper(BytesIO(data), encoding_of(data), "replace", newline)


def encoding_of(data: bytes) -> str:
    if named := next((name for bom, name in BOMS if data.startswith(bom)), ""):
        return named
    start = data[:START]
    if (zeros := start.count(0)) > ZEROS * len(start):
        even = start[::2].count(0)
        if even * 10 < zeros:
            return "utf-16-le"
        if (zeros - even) * 10 < zeros:
            return "utf-16-be"
    if sum(map(start.count, CONTROLS)) > max(FEW, SHARE * len(start)):
        raise Unreadable(BINARY)
    return "utf-8" if is_utf8(data) else guessed(data)


def is_utf8(data: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(data), 1 << 20):
            decoder.decode(data[at : at + (1 << 20)])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def guessed(data: bytes) -> str:
    """Return the encoding that makes most sense of the lines that are not ASCII."""
    from charset_normalizer import from_bytes

    lines, size = [], 0
    for line in BytesIO(data):
        if not line.isascii():
            lines.append(line[:1_000])
            size += len(lines[-1])
        if size > GUESSED:
            break
    found = from_bytes(b"".join(lines), cp_isolation=LIKELY, enable_fallback=False)
    best = found.best()
    # Names with a few accents make as much sense in several encodings.
    western = next((one for one in found if one.encoding == "cp1252"), None)
    if best is None or (western and western.chaos <= best.chaos):
        return "cp1252"
    return best.encoding
