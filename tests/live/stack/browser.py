"""A customer in a browser: `python -m tests.live.stack.browser URL PICTURE`. Prints the answer."""

import sys

from playwright.sync_api import sync_playwright

from tests.live.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.live.site import PLAYWRIGHTS_PATIENCE


def main(url: str, picture: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        # Its certificate is made for the test.
        page = chromium.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(PLAYWRIGHTS_PATIENCE)
        page.goto(f"{url}/?customer=cust_1")
        page.locator("button[aria-expanded][aria-label*=chat i]").first.click()
        chat = page.frame_locator("iframe[title]")
        chat.locator("body[data-connection=online]").wait_for()
        field = chat.get_by_label("Your message")
        field.fill("What is the tracking number of order 81230?")
        field.press("Enter")
        answer = chat.locator(".message[data-author=bot]:has(time)").last
        answer.wait_for()
        page.screenshot(path=picture)
        print(answer.inner_text())
        chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
