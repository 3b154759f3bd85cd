"""The customer's files in a real browser: picked, pasted, dropped, refused, taken up again."""

import re
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.chatbot.attachments.files import HTML, PDF, image, picture
from tests.live.shop import Shop
from tests.live.test_widget import open_chat, visit

pytestmark = pytest.mark.live

BOOTS = {"name": "boots.png", "mimeType": "image/png", "buffer": image("PNG", picture((800, 600)))}
OFFER = {"name": "offer.pdf", "mimeType": "application/pdf", "buffer": PDF}
CARRY = """(target, [type, numbers]) => {
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(numbers);
    transfer.items.add(new File([bytes], `${type}.png`, { type: "image/png" }));
    const values = { bubbles: true, cancelable: true };
    const event = type === "paste"
        ? new ClipboardEvent(type, { ...values, clipboardData: transfer })
        : new DragEvent(type, { ...values, dataTransfer: transfer });
    target.dispatchEvent(event);
}"""


def chat_of(page: Page, shop: Shop) -> FrameLocator:
    visit(page, shop.url, shop.customer())
    return open_chat(page)


def tray(place: FrameLocator | Page) -> Any:
    return place.get_by_role("list", name="Files to send").get_by_role("listitem")


def uploaded(place: FrameLocator | Page, count: int) -> None:
    expect(tray(place).get_by_text(re.compile(" KB$"))).to_have_count(count)


def drawn(picture: Any) -> None:
    """Its pixels have come."""
    expect(picture).to_be_visible()
    picture.evaluate("image => image.decode()")


def test_files_alone_get_a_plain_word_and_the_offer_of_a_colleague(page: Page, shop: Shop) -> None:
    chat = chat_of(page, shop)
    chat.locator("#file").set_input_files([OFFER, BOOTS])
    uploaded(chat, 2)
    chat.get_by_role("button", name="Remove offer.pdf").click()
    expect(tray(chat)).to_have_count(1)
    chat.get_by_role("button", name="Send", exact=True).click()
    log = chat.get_by_role("log")
    expect(log).to_contain_text("I can't read files myself, but a colleague can.")
    expect(log.get_by_text("offer.pdf")).to_have_count(0)


def test_what_cannot_be_sent_is_told_in_words(page: Page, shop: Shop) -> None:
    chat = chat_of(page, shop)
    notice = chat.locator("#notice")
    large = {**OFFER, "name": "scan.pdf", "buffer": PDF + b" " * 14 * 1024 * 1024}
    chat.locator("#file").set_input_files(large)
    expect(notice).to_have_text("“scan.pdf”: this file is 14.1 MB; 10 MB is the most.")
    chat.locator("#file").set_input_files({**BOOTS, "buffer": HTML})
    expect(notice).to_contain_text("“boots.png”: This kind of file cannot be sent here.")
    expect(tray(chat)).to_have_count(0)
    chat.locator("#file").set_input_files([BOOTS] * 6)
    expect(notice).to_have_text("A message may have at most 5 files.")
    expect(tray(chat)).to_have_count(5)


def test_a_file_goes_on_when_the_connection_is_back(page: Page, shop: Shop) -> None:
    chat = chat_of(page, shop)
    page.context.set_offline(True)
    chat.locator("#file").set_input_files([BOOTS])
    expect(tray(chat)).to_contain_text("Not uploaded. There is no connection.")
    expect(chat.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    page.context.set_offline(False)
    uploaded(chat, 1)
    page.reload()
    expect(open_chat(page).locator("#notice")).to_have_text(
        "boots.png was not sent yet. Please attach it again."
    )


def test_pictures_come_by_paste_and_by_drop(page: Page, shop: Shop) -> None:
    chat = chat_of(page, shop)
    numbers = list(image("PNG", picture((4, 4))))
    chat.get_by_label("Your message").evaluate(CARRY, ["paste", numbers])
    chat.get_by_role("log").evaluate(CARRY, ["dragover", numbers])
    expect(chat.locator("body")).to_have_class("dropping")
    chat.get_by_role("log").evaluate(CARRY, ["drop", numbers])
    expect(chat.locator("body")).not_to_have_class("dropping")
    expect(tray(chat).get_by_text(re.compile(r"^(paste|drop)\.png$"))).to_have_count(2)
