"""Images without hidden data: no metadata, such as the place of a photograph, and nothing after
the image's end.

Nothing is decoded. The code walks the file's structure piece by piece and drops every piece that
is not known to be necessary; the pixels stay as they are.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class Malformed(Exception):
    """The file's content does not match its first bytes."""


Size = tuple[int, int]


@dataclass(frozen=True)
class Image:
    """`pixels` counts the largest part: a viewer may believe any of the headers."""

    data: bytes
    pixels: int


class Pieces:
    """The rest of a file, read from the front. A file of more pieces than any picture needs is
    refused: it would only cost time."""

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
        number: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return number


def measured(data: bytes, sizes: Iterable[Size]) -> Image:
    pixels = [width * height for width, height in sizes]
    if not pixels or not all(pixels):
        raise Malformed
    return Image(data, max(pixels))


# --- PNG (ISO/IEC 15948): chunks

PNG = b"\x89PNG\r\n\x1a\n"
# Pixels, colours, transparency, animation. Dropped: text, time, Exif.
PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT pHYs bKGD acTL fcTL fdAT".split()
)
# Of the image and of each frame of an animation: the chunk's length, and the offset of its size.
PNG_BYTES = {b"IHDR": 13, b"fcTL": 26}
PNG_SIZE_AT = {b"IHDR": 8, b"fcTL": 12}


def png(data: bytes) -> Image:
    kept = list(png_chunks(Pieces(data.removeprefix(PNG))))
    names = [name for name, _ in kept]
    if names[0] != b"IHDR" or names.count(b"IHDR") > 1 or b"IDAT" not in names:
        raise Malformed
    sizes = [struct.unpack_from(">II", chunk, PNG_SIZE_AT[name]) for name, chunk in kept
             if name in PNG_SIZE_AT]  # fmt: skip
    return measured(PNG + b"".join(chunk for _, chunk in kept), sizes)


def png_chunks(pieces: Pieces) -> Iterator[tuple[bytes, bytes]]:
    name = b""
    while name != b"IEND":
        length = pieces.take(4)
        body = pieces.take(4 + struct.unpack(">I", length)[0])
        check, name = pieces.take(4), body[:4]
        if zlib.crc32(body) != struct.unpack(">I", check)[0]:
            raise Malformed
        if name in PNG_BYTES and len(body) != 4 + PNG_BYTES[name]:
            raise Malformed
        if name in PNG_KEPT:
            yield name, length + body + check


# --- JPEG (ITU-T T.81): segments, and the coded pixels after each start of scan

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
# Segments of applications that define colours.
COLOURS = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
EXIF = (0xE1, b"Exif\0\0")
# A marker at the start of a segment, and the next marker within coded pixels.
MARKER = re.compile(rb"\xff++[^\x00\xd0-\xd7\xff]")
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Exif with the orientation as its only entry.
UPRIGHT = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0%c\0\0\0\0\0\0"


def jpeg(data: bytes) -> Image:
    pieces, sizes, kept = Pieces(data), list[Size](), [data[:2]]
    pieces.take(2)
    for marker, segment in jpeg_segments(pieces):
        body = segment[4:]
        if marker in FRAMES:
            if len(body) < 6:
                raise Malformed
            sizes.append(struct.unpack(">HH", body[1:5]))
        if marker == EXIF[0] and body.startswith(EXIF[1]):
            kept.append(UPRIGHT % orientation(body.removeprefix(EXIF[1])))
        elif jpeg_needs(marker, body):
            kept.append(segment)
    if len(sizes) > 1:
        raise Malformed  # A second frame is for a kind of JPEG that no browser shows.
    return measured(b"".join(kept), sizes)


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
    """Return a segment's body; a scan's includes its coded pixels, which end at the next marker."""
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
    """Return Exif's orientation, 1 to 8; 1 if there is none."""
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
    sizes = [struct.unpack("<HH", head[6:10])]
    sizes += (gif_extent(block) for block in kept[1:] if block[0] == PICTURE)
    return measured(b"".join(kept) + bytes([TRAILER]), sizes)


def gif_extent(block: bytes) -> Size:
    """Return how far a frame reaches: it may exceed the screen that the header declares."""
    left, top, width, height = struct.unpack_from("<HHHH", block, 1)
    return (left + width) * bool(width), (top + height) * bool(height)


def gif_colours(flags: int) -> int:
    """Return the length in bytes of the colour table that follows."""
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
    kept, sizes = list[bytes](), list[Size]()
    names = set()
    for name, chunk in webp_chunks(whole):
        if name == b"VP8X":
            chunk = bytes([chunk[0] & ~WEBP_SAYS_EXIF_OR_XMP]) + chunk[1:]
        if name in WEBP_KEPT:
            names.add(name)
            sizes += webp_sizes(name, chunk)
            length = len(chunk)
            kept.append(name + struct.pack("<I", length) + chunk + b"\0" * (length % 2))
    if not names & {b"VP8 ", b"VP8L", b"ANMF"}:
        raise Malformed
    body = b"WEBP" + b"".join(kept)
    riff = b"RIFF" + struct.pack("<I", len(body)) + body
    return measured(riff, sizes)


def webp_chunks(pieces: Pieces) -> Iterator[tuple[bytes, bytes]]:
    while pieces.at < len(pieces.data):
        name, length = pieces.take(4), pieces.number("<I")
        chunk = pieces.take(length + length % 2)
        yield name, chunk[:length]


def webp_sizes(name: bytes, chunk: bytes) -> Iterator[Size]:
    """Yield the sizes of the canvas, of a frame on it, and of the picture in the frame: each
    declares its own."""
    try:
        if name == b"VP8X":
            yield three_bytes(chunk, 4), three_bytes(chunk, 7)
        elif name == b"ANMF":
            yield three_bytes(chunk, 6), three_bytes(chunk, 9)
            for inner, part in webp_chunks(Pieces(chunk[16:])):
                if inner == name:
                    raise Malformed
                yield from webp_sizes(inner, part)
        elif name == b"VP8L":
            [bits] = struct.unpack_from("<I", chunk, 1)
            yield 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif name == b"VP8 ":
            width, height = struct.unpack_from("<HH", chunk, 6)
            yield width & 0x3FFF, height & 0x3FFF
    except struct.error:
        raise Malformed from None


def three_bytes(chunk: bytes, at: int) -> int:
    """Return a length that WebP stores less one."""
    low, high = struct.unpack_from("<HB", chunk, at)
    return int(1 + low + (high << 16))
