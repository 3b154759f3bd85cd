"""Images as they are passed on: without what their sender did not mean to send, such as the place
where a photograph was taken, and without whatever follows their end.

Nothing is decoded. The structure is walked piece by piece, and what is not known to be needed is
left out; the pixels stay as they are.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass


class Malformed(Exception):
    """It is not what it begins like."""


@dataclass(frozen=True)
class Image:
    data: bytes
    width: int
    height: int


class Pieces:
    """What is left of a file, taken from its front. One in more pieces than any picture needs
    would only keep us busy."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.patience = 50_000 + len(data) // 64

    def take(self, count: int) -> bytes:
        self.patience -= 1
        if self.patience < 0:
            raise Malformed
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise Malformed
        self.at += count
        return taken

    def number(self, form: str) -> int:
        found: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return found


def measured(data: bytes, size: tuple[int, int] | None) -> Image:
    if size is None or not all(size):
        raise Malformed
    return Image(data, *size)


# --- PNG (ISO/IEC 15948): chunks

PNG = b"\x89PNG\r\n\x1a\n"
# Pixels, colours, transparency, animation. Left out: text, time, Exif.
PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT pHYs bKGD acTL fcTL fdAT".split()
)


def png(data: bytes) -> Image:
    kept = list(png_chunks(Pieces(data.removeprefix(PNG))))
    if kept[0][0] != b"IHDR" or b"IDAT" not in {name for name, _ in kept}:
        raise Malformed
    size = struct.unpack(">II", kept[0][1][8:16])
    return measured(PNG + b"".join(chunk for _, chunk in kept), size)


def png_chunks(pieces: Pieces) -> Iterator[tuple[bytes, bytes]]:
    name = b""
    while name != b"IEND":
        length = pieces.take(4)
        body = pieces.take(4 + struct.unpack(">I", length)[0])
        check, name = pieces.take(4), body[:4]
        if zlib.crc32(body) != struct.unpack(">I", check)[0]:
            raise Malformed
        if name == b"IHDR" and len(body) != 4 + 13:
            raise Malformed
        if name in PNG_KEPT:
            yield name, length + body + check


# --- JPEG (ITU-T T.81): segments, and the coded pixels after each start of scan

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
# Of applications: what colours mean.
COLOURS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
EXIF = (0xE1, b"Exif\0\0")
# At the start of a segment, and in what comes before one.
MARKER = re.compile(rb"\xff++[^\x00\xd0-\xd7\xff]")
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Exif with one entry: which side is up.
UPRIGHT = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0"


def jpeg(data: bytes) -> Image:
    pieces, size, kept = Pieces(data), None, [data[:2]]
    pieces.take(2)
    for marker, segment in jpeg_segments(pieces):
        body = segment[4:]
        if marker in FRAMES:
            if len(body) < 6:
                raise Malformed
            size = struct.unpack(">HH", body[1:5])[::-1]
        if marker == EXIF[0] and body.startswith(EXIF[1]):
            kept.append(UPRIGHT % orientation(body.removeprefix(EXIF[1])))
        elif jpeg_needs(marker, body):
            kept.append(segment)
    return measured(b"".join(kept), size)


def jpeg_segments(pieces: Pieces) -> Iterator[tuple[int, bytes]]:
    marker = SOI
    while marker != EOI:
        start = MARKER.match(pieces.data, pieces.at)
        if start is None:
            raise Malformed
        pieces.at, marker = start.end(), start[0][-1]
        head = b"\xff" + start[0][-1:]
        yield marker, head if marker == EOI else head + jpeg_body(pieces, marker)


def jpeg_body(pieces: Pieces, marker: int) -> bytes:
    """With the coded pixels, which end at the next marker."""
    begun, length = pieces.at, pieces.number(">H")
    if length < 2:
        raise Malformed
    pieces.take(length - 2)
    if marker == SOS:
        end = NEXT_MARKER.search(pieces.data, pieces.at)
        if end is None:
            raise Malformed
        pieces.at = end.start()
    return pieces.data[begun : pieces.at]


def jpeg_needs(marker: int, body: bytes) -> bool:
    if marker in COLOURS:
        return body.startswith(COLOURS[marker])
    return marker in FRAMES | TABLES | {SOS, EOI}


def orientation(tiff: bytes) -> int:
    """1 to 8, as Exif counts; 1 where it does not say."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2], ">")
    try:
        [start] = struct.unpack_from(f"{order}I", tiff, 4)
        [count] = struct.unpack_from(f"{order}H", tiff, start)
        for entry in range(min(count, 64)):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * entry)
            if tag == 0x0112 and 1 <= value <= 8:
                return int(value)
    except struct.error:
        pass
    return 1


# --- GIF (89a): blocks

EXTENSION, PICTURE, TRAILER = 0x21, 0x2C, 0x3B
CONTROL = 0xF9
LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def gif(data: bytes) -> Image:
    pieces = Pieces(data)
    head = pieces.take(13)
    kept = [head + pieces.take(gif_colours(head[10]))]
    kept += gif_blocks(pieces)
    if not any(block[0] == PICTURE for block in kept[1:]):
        raise Malformed
    return measured(b"".join(kept) + bytes([TRAILER]), struct.unpack("<HH", head[6:10]))


def gif_colours(flags: int) -> int:
    """Bytes of the table that follows."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def gif_blocks(pieces: Pieces) -> Iterator[bytes]:
    while (kind := pieces.number("B")) != TRAILER:
        begun = pieces.at - 1
        if kind == PICTURE:
            pieces.take(gif_colours(pieces.take(9)[8]) + 1)
        elif kind == EXTENSION:
            pieces.take(1)
        else:
            raise Malformed
        while length := pieces.number("B"):
            pieces.take(length)
        block = pieces.data[begun : pieces.at]
        if kind == PICTURE or block[1] == CONTROL or block[3:14] in LOOPS:
            yield block


# --- WebP (RFC 9649): chunks of a RIFF file

WEBP_KEPT = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
WEBP_SAYS_EXIF_OR_XMP = 0x0C


def webp(data: bytes) -> Image:
    pieces = Pieces(data)
    pieces.take(4)
    whole = Pieces(pieces.take(pieces.number("<I")).removeprefix(b"WEBP"))
    kept = dict[bytes, bytes]()
    body = b""
    while whole.at < len(whole.data):
        name, length = whole.take(4), whole.number("<I")
        chunk = whole.take(length + length % 2)
        if name == b"VP8X" and length >= 10:
            chunk = bytes([chunk[0] & ~WEBP_SAYS_EXIF_OR_XMP]) + chunk[1:]
        if name in WEBP_KEPT:
            kept.setdefault(name, chunk)
            body += name + struct.pack("<I", length) + chunk
    riff = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    return measured(riff, webp_size(kept))


def webp_size(kept: dict[bytes, bytes]) -> tuple[int, int] | None:
    if not kept.keys() & {b"VP8 ", b"VP8L", b"ANMF"}:
        return None
    try:
        if head := kept.get(b"VP8X"):
            low, high = struct.unpack_from("<HB", head, 4), struct.unpack_from("<HB", head, 7)
            return 1 + low[0] + (low[1] << 16), 1 + high[0] + (high[1] << 16)
        if head := kept.get(b"VP8L"):
            [bits] = struct.unpack_from("<I", head, 1)
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        width, height = struct.unpack_from("<HH", kept.get(b"VP8 ", b""), 6)
    except struct.error:
        return None
    return width & 0x3FFF, height & 0x3FFF
