"""Files as people send them, and as people send them who mean harm."""

from io import BytesIO
from typing import Any

from PIL import Image

HTML = b"<html><script>alert(document.domain)</script></html>"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
PLACE = b"N 53 20 E -6 15"


def picture(size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    made = Image.linear_gradient("L").resize(size)
    if mode in {"RGB", "RGBA"}:
        made = Image.merge("RGB", (made, made.rotate(90).resize(size), made)).convert(mode)
    return made.convert(mode)


def image(form: str, made: Image.Image | None = None, **options: Any) -> bytes:
    sink = BytesIO()
    (made or picture()).save(sink, form, **options)
    return sink.getvalue()


def animation(form: str) -> bytes:
    frames = [picture(mode="RGB").rotate(90 * turn) for turn in range(4)]
    return image(form, frames[0], save_all=True, append_images=frames[1:], duration=80, loop=0)


def exif(side: int = 6) -> bytes:
    """A photograph's: which side is up, and where it was taken."""
    data = Image.Exif()
    data[0x0112] = side
    data[0x010E] = PLACE.decode()
    data.get_ifd(0x8825)[1] = "N"
    return data.tobytes()


def pixels(data: bytes) -> list[bytes]:
    """Of every frame."""
    with Image.open(BytesIO(data)) as opened:
        found = []
        for number in range(getattr(opened, "n_frames", 1)):
            opened.seek(number)
            found.append(opened.convert("RGBA").tobytes())
        return found


def side(data: bytes) -> int:
    with Image.open(BytesIO(data)) as opened:
        return int(opened.getexif().get(0x0112, 1))
