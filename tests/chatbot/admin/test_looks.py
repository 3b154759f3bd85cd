"""An inbox's look: its colour, its logo, its suggested questions, and the picture of the chat."""

import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chatbot.admin.inboxes import InboxForm
from chatbot.models import Inbox, InboxLogo
from chatbot.widget import look
from tests.chatbot.admin.console import SCRIPT, staff, text_of
from tests.chatbot.admin.test_inboxes import RULES

pytestmark = pytest.mark.django_db
FIELDS = {"key": "shop", "name": "Fernhill", "greeting": "Hi", **RULES}


def chunk(name: bytes, body: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + check


def png(*more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\1\2\3"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + pixels + chunk(b"IEND", b"")


def uploaded(data: bytes, name: str = "logo.png") -> dict[str, SimpleUploadedFile]:
    return {"logo": SimpleUploadedFile(name, data)}


def page_of(inbox: Inbox) -> str:
    return f"/admin/chatbot/inbox/{inbox.id}/change/"


# --- colours


@pytest.mark.parametrize(
    ("colour", "found"), [("#000000", 21.0), ("#ffffff", 1.0), ("#777777", 4.48)]
)
def test_contrast_is_that_of_wcag(colour: str, found: float) -> None:
    assert look.contrast(colour, look.WHITE) == pytest.approx(found, abs=0.005)


@pytest.mark.parametrize(
    "colour", ["#ffcc00", "#ffffff", "#ff0000", "#00ffff", "#0000ff", "#000000", "#7f7f7f"]
)
def test_the_shades_that_are_derived_can_be_read_by_light_and_by_dark(colour: str) -> None:
    light = look.readable(colour)
    dark = look.in_the_dark(light)
    for ground in (light, dark, look.mixed(dark, look.BLACK, 0.85)):
        assert look.contrast(ground, look.WHITE) >= 4.5
    assert look.contrast(dark, look.DARK_GROUND) >= 3.0
    assert look.contrast(look.text_in_the_dark(light), look.DARK_GROUND) >= 4.5


def test_a_colour_that_is_dark_enough_stays_as_it_is() -> None:
    assert look.readable("#7a1f5c") == "#7a1f5c"


def test_a_colour_too_light_for_white_text_is_refused_with_the_nearest_that_works() -> None:
    form = InboxForm({**FIELDS, "colour": "#FFCC00"})
    said = str(form.errors["colour"][0])
    assert "its contrast is 1.5, but must be at least 4.5" in said
    nearest = said.split()[-1].rstrip(".")
    assert "colour" not in InboxForm({**FIELDS, "colour": nearest}).errors


@pytest.mark.parametrize("colour", ["green", "#12345", "#0e665a;}", "url(x)", "#0E665Ag"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    assert "like #0e665a" in str(InboxForm({**FIELDS, "colour": colour}).errors["colour"])


def test_the_widget_and_its_launcher_take_the_inboxs_colour(client: Client, inbox: Inbox) -> None:
    assert "/widget/look/" not in text_of(client, "/widget/shop/")
    assert text_of(client, "/widget/shop/look.js") == 'export default {"position": "right"};\n'
    Inbox.objects.update(colour="#7a1f5c", position="left", bot_name="Fern")
    html = text_of(client, "/widget/shop/")
    assert 'href="/widget/look/7a1f5c.css"' in html
    assert 'data-bot-name="Fern"' in html
    sheet = client.get("/widget/look/7a1f5c.css")
    assert sheet["Content-Type"] == "text/css"
    assert "--accent: #7a1f5c;" in sheet.content.decode()
    script = client.get("/widget/shop/look.js")
    assert '"position": "left", "light": "#7a1f5c"' in script.content.decode()
    assert script["Access-Control-Allow-Origin"] == "*"


def test_a_colour_that_came_past_the_form_breaks_no_page(client: Client, inbox: Inbox) -> None:
    Inbox.objects.update(colour='red;}"')
    assert "/widget/look/" not in text_of(client, "/widget/shop/")
    assert "red" not in text_of(client, "/widget/shop/look.js")
    assert client.get("/widget/look/red;}.css").status_code == 404


# --- logo


def test_a_logo_is_kept_without_its_metadata_and_served(root: Client, inbox: Inbox) -> None:
    place = chunk(b"tEXt", b"Comment\0taken at 52.5 N")
    assert root.post(page_of(inbox), FIELDS | uploaded(png(place))).status_code == 302
    kept = InboxLogo.objects.get()
    assert bytes(kept.data) == png()
    assert f'<img src="/widget/shop/logo/?v={kept.digest}"' in text_of(root, "/widget/shop/")
    served = root.get("/widget/shop/logo/")
    assert (served["Content-Type"], served.content) == ("image/png", png())
    assert served["X-Content-Type-Options"] == "nosniff"


def test_a_logo_stays_until_it_is_removed_or_replaced(root: Client, inbox: Inbox) -> None:
    root.post(page_of(inbox), FIELDS | uploaded(png()))
    root.post(page_of(inbox), FIELDS)
    assert InboxLogo.objects.exists()
    root.post(page_of(inbox), FIELDS | {"remove_logo": "on"})
    assert not InboxLogo.objects.exists()
    assert root.get("/widget/shop/logo/").status_code == 404


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "cannot be"),
        (b"GIF89a" + b"\0" * 20, "damaged or something else"),
        (b"%PDF-1.4\nstartxref\n9\n%%EOF", "not a PNG, JPEG or WebP"),
        (png()[:-20], "damaged or something else"),
        (png() + b"\0" * 200_000, "100 KB is the most"),
    ],
    ids=["svg", "gif", "pdf", "cut off", "too large"],
)
def test_other_files_are_no_logo(data: bytes, said: str) -> None:
    form = InboxForm(FIELDS, uploaded(data))
    assert said in str(form.errors["logo"])


# --- questions, and the picture


def test_up_to_four_questions_are_suggested(root: Client, inbox: Inbox) -> None:
    asked = f"Where is my order?\n{SCRIPT}"
    assert root.post(page_of(inbox), FIELDS | {"suggestions": asked}).status_code == 302
    html = text_of(root, "/widget/shop/")
    assert '<button type="button" class="choice" dir="auto">Where is my order?</button>' in html
    assert SCRIPT not in html
    five = "\n".join(f"Question {number}?" for number in range(5))
    form = InboxForm({**FIELDS, "suggestions": five})
    assert form.errors["suggestions"] == ["These are 5 questions; 4 is the most."]


def test_the_picture_shows_what_is_not_saved_yet(root: Client, inbox: Inbox) -> None:
    edited = {"greeting": "Welcome to Fernhill", "colour": "#7a1f5c", **uploaded(png())}
    response = root.post(f"/admin/chatbot/inbox/{inbox.id}/look/", FIELDS | edited)
    html = response.content.decode()
    assert "Welcome to Fernhill" in html
    assert "/widget/look/7a1f5c.css" in html
    assert 'src="data:image/png;base64,' in html
    assert "inert" in html
    assert "main.js" not in html
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in response["Content-Security-Policy"]
    inbox.refresh_from_db()
    assert inbox.greeting.startswith("Hello")
    assert not InboxLogo.objects.exists()


def test_the_picture_shows_an_inbox_that_is_not_there_yet(root: Client) -> None:
    html = root.post("/admin/chatbot/inbox/look/", FIELDS | {"colour": "#ffcc00"}).content.decode()
    assert "Fernhill" in html
    assert "/widget/look/" not in html, "a colour with an error is not shown"


def test_charlie_who_may_only_view_inboxes_sees_no_picture(client: Client, inbox: Inbox) -> None:
    charlie = staff(client, "charlie", "view_inbox")
    for url in (f"/admin/chatbot/inbox/{inbox.id}/look/", "/admin/chatbot/inbox/look/"):
        assert charlie.post(url, FIELDS).status_code == 403
