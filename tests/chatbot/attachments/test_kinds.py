"""What a file is, is its content's word: nothing is executed, believed or passed on unseen."""

import struct
import time
import zlib

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot.attachments import images, kinds, names
from chatbot.attachments.kinds import BY_TYPE, recognised
from chatbot.wire.errors import Refused
from tests.chatbot.attachments.files import (
    HTML,
    PDF,
    PLACE,
    SVG,
    animation,
    exif,
    image,
    picture,
    pixels,
    side,
)

GOOD = {
    "image/png": [image("PNG", picture(mode=mode)) for mode in ("RGB", "RGBA", "L", "P", "1")]
    + [animation("PNG")],
    "image/jpeg": [
        image("JPEG"),
        image("JPEG", picture(mode="L"), progressive=True),
        image("JPEG", picture(mode="CMYK")),
    ],
    "image/gif": [image("GIF"), animation("GIF")],
    "image/webp": [
        image("WEBP"),
        image("WEBP", lossless=True),
        image("WEBP", picture(mode="RGBA")),
        animation("WEBP"),
    ],
}
FILES = [(type, data) for type, found in GOOD.items() for data in found]


@pytest.mark.parametrize(("type", "data"), FILES)
def test_an_image_keeps_every_pixel_of_every_frame(type: str, data: bytes) -> None:
    kind, kept = recognised(data)
    assert kind.type == type
    assert pixels(kept) == pixels(data)


@pytest.mark.parametrize(("type", "data"), FILES)
def test_what_follows_an_image_is_cut_off(type: str, data: bytes) -> None:
    kept = recognised(data + HTML + b"PK\x03\x04")[1]
    assert kept == recognised(data)[1]
    assert b"script" not in kept


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_where_a_photograph_was_taken_is_nobodys_business(form: str) -> None:
    data = image(form, exif=exif())
    assert PLACE in data
    kept = recognised(data)[1]
    assert PLACE not in kept
    assert pixels(kept) == pixels(data)


@pytest.mark.parametrize("up", range(1, 9))
def test_a_photograph_stays_upright(up: int) -> None:
    assert side(recognised(image("JPEG", exif=exif(up)))[1]) == up


def test_comments_of_images_are_left_out() -> None:
    assert HTML not in recognised(image("GIF", comment=HTML))[1]
    assert HTML not in recognised(image("JPEG", comment=HTML))[1]


def test_a_pdf_is_kept_to_its_end_and_no_further() -> None:
    kind, kept = recognised(PDF + HTML)
    assert (kind.type, kept) == ("application/pdf", PDF)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HTML,
        SVG,
        b'<?xml version="1.0"?>' + SVG,
        HTML + PDF,
        b"\n" + PDF,
        b"PK\x03\x04 a document",
        b"MZ\x90 a program",
        b"GIF88a",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"BM a bitmap",
        b"#!/bin/sh",
    ],
)
def test_other_kinds_are_refused_whatever_they_are_called(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        recognised(data)
    assert (caught.value.code, caught.value.text) == ("unsupported", kinds.NOT_TAKEN)


@pytest.mark.parametrize(
    "data",
    [
        images.PNG + HTML,
        b"\xff\xd8\xff" + HTML,
        b"GIF89a" + HTML,
        b"RIFF\xff\0\0\0WEBP" + HTML,
        b"%PDF-1.7\n" + HTML,
        *(data[: len(data) // 2] for _, data in FILES),
    ],
)
def test_what_only_begins_like_an_image_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        recognised(data)
    assert caught.value.code == "unsupported"


def test_a_bomb_of_pixels_is_refused_by_its_size_alone() -> None:
    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 2_000, 8, 2, 0, 0, 0)
    chunks = [head, b"IDAT" + zlib.compress(b"\0" * 9), b"IEND"]
    made = images.PNG + b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks
    )
    with pytest.raises(Refused) as caught:
        recognised(made)
    assert caught.value.text == "This image has 120 million pixels; 50 million is the most."


LARGE = 60_000


def chunk(name: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + check


def within(data: bytes, mark: bytes, more: bytes) -> bytes:
    """The file with something more before where the mark stands first."""
    at = data.index(mark)
    return data[:at] + more + data[at:]


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def three(number: int) -> bytes:
    return struct.pack("<I", number - 1)[:3]


def gif_frame(left: int, top: int, width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHHB", left, top, width, height, 0) + b"\x02\x02\x4c\x01\0"


VP8L = b"\x2f" + struct.pack("<I", 0x3FFF << 14 | 0x3FFF) + b"\0"
SMALL_VP8L = b"\x2f" + struct.pack("<I", 1 << 14 | 1) + b"\0"
CANVAS = b"\x02\0\0\0" + three(4) + three(4)
FRAME = three(1) * 2 + three(LARGE) + three(LARGE) + b"\0" * 4
SMALL_FRAME = three(1) * 2 + three(4) + three(4) + b"\0" * 4
TOO_LARGE = {
    "GIF, second frame": image("GIF")[:-1] + gif_frame(0, 0, LARGE, LARGE) + b";",
    "GIF, first frame": b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0)
    + gif_frame(0, 0, LARGE, LARGE) + b";",
    "GIF, far away": image("GIF")[:-1] + gif_frame(LARGE, LARGE, 4, 4) + b";",
    "PNG, frame": within(
        animation("PNG"), b"\0\0\0\x1afcTL",
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, LARGE, LARGE, 0, 0, 1, 1, 0, 0)),
    ),
    "WebP, second canvas": riff((b"VP8X", CANVAS), (b"VP8X", b"\0" * 4 + three(LARGE) * 2),
                                (b"VP8L", SMALL_VP8L)),
    "WebP, picture on a small canvas": riff((b"VP8X", CANVAS), (b"VP8L", VP8L)),
    "WebP, second picture": riff((b"VP8L", SMALL_VP8L), (b"VP8L", VP8L)),
    "WebP, frame": riff((b"VP8X", CANVAS), (b"ANMF", FRAME + b"VP8L\x06\0\0\0" + SMALL_VP8L)),
    "WebP, second frame": riff((b"VP8X", CANVAS), (b"ANMF", SMALL_FRAME), (b"ANMF", FRAME)),
    "WebP, picture in a frame": riff(
        (b"VP8X", CANVAS), (b"ANMF", SMALL_FRAME + b"VP8L\x06\0\0\0" + VP8L)
    ),
}  # fmt: skip


@pytest.mark.parametrize("data", TOO_LARGE.values(), ids=TOO_LARGE)
def test_no_frame_and_no_header_passes_the_limit_of_pixels(data: bytes) -> None:
    with pytest.raises(Refused) as caught:
        recognised(data)
    assert caught.value.code == "too_large"


def test_a_header_that_comes_twice_is_refused() -> None:
    photograph = image("JPEG")
    second = b"\xff\xc0\0\x11\x08" + struct.pack(">HH", LARGE, LARGE) + b"\x03" + b"\x01\x11\0" * 3
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", LARGE, LARGE, 8, 2, 0, 0, 0))
    inside = struct.pack("<4sI", b"ANMF", len(SMALL_FRAME)) + SMALL_FRAME
    for data in (
        within(photograph, b"\xff\xda", second),
        within(photograph, b"\xff\xc0", second),
        image("PNG")[:33] + header + image("PNG")[33:],
        riff((b"VP8X", CANVAS), (b"ANMF", SMALL_FRAME + inside)),
    ):
        with pytest.raises(Refused) as caught:
            recognised(data)
        assert caught.value.code == "unsupported"


@pytest.mark.parametrize(
    "data",
    [
        riff(*[(b"ICCP", b"x" * 100)] * 60_000, (b"VP8L", SMALL_VP8L))[:-4],
        b"\xff\xd8\xff\xda\x00\x02" + b"\xff" * 1_000_000 + b"\0",
        b"\xff\xd8" + b"\xff" * 1_000_000 + b"\0",
        b"GIF89a" + b"\x01\0\x01\0\0\0\0" + b"\x21\xfe" + b"\x01x" * 1_000_000,
        images.PNG + (b"\0\0\0\0tEXt" + struct.pack(">I", zlib.crc32(b"tEXt"))) * 500_000,
        b"%PDF-1.7\n" + b"startxref " * 100_000,
    ],
)
def test_a_file_made_to_keep_us_busy_is_refused(data: bytes) -> None:
    before = time.process_time()
    with pytest.raises(Refused):
        recognised(data)
    # Not a measurement: backtracking over a million bytes would take hours.
    assert time.process_time() - before < 30


@given(st.sampled_from(FILES), st.data())
@settings(max_examples=100)
def test_a_damaged_image_is_taken_or_refused_and_never_fails(
    file: tuple[str, bytes], drawn: st.DataObject
) -> None:
    data = bytearray(file[1])
    for _ in range(drawn.draw(st.integers(1, 6))):
        data[drawn.draw(st.integers(8, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    cut = drawn.draw(st.integers(0, len(data)))
    try:
        kind, kept = recognised(bytes(data[:cut] if cut > 20 else data))
    except Refused as refused:
        assert refused.text
    else:
        assert recognised(kept) == (kind, kept), "what is kept needs no further mending"


@override_settings(ATTACHMENT_MAX_BYTES=10 * 1024 * 1024)
def test_what_is_too_large_is_told_in_words() -> None:
    kinds.check_size(10 * 1024 * 1024)
    with pytest.raises(Refused) as caught:
        kinds.check_size(14 * 1024 * 1024)
    assert caught.value.text == "This file is 14 MB; 10 MB is the most."
    with pytest.raises(Refused) as caught:
        kinds.check_size(10 * 1024 * 1024 + 1)
    assert caught.value.text == "This file is 10.1 MB; 10 MB is the most."


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("boots.png", "boots.png"),
        ("BOOTS.PNG", "BOOTS.png"),
        ("boots.html", "boots.html.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\Users\\alice\\boots.png", "boots.png"),
        ("boots\u202egnp.exe", "bootsgnp.exe.png"),
        ("bo\u200bots\u2066.png", "boots.png"),
        ("boots.png\r\nSet-Cookie: a=b", "boots.pngSet-Cookie_ a=b.png"),
        ('"><script>.png', "___script_.png"),
        ("Übergröße 你好.png", "Übergröße 你好.png"),
        ("\u202e\u200b", "image.png"),
        ("...", "image.png"),
        ("x" * 300 + ".png", "x" * 100 + ".png"),
    ],
)
def test_a_name_deceives_nobody(given: str, kept: str) -> None:
    assert names.safe(given, BY_TYPE["image/png"]) == kept


def test_a_jpeg_may_be_called_jpeg() -> None:
    assert names.safe("boots.jpeg", BY_TYPE["image/jpeg"]) == "boots.jpeg"
    assert names.safe("boots", BY_TYPE["image/jpeg"]) == "boots.jpg"
