"""The pictures of docs/tour.md: `python -m tests.live.tour`, or `make tour`.

Starts a site of its own with the demo shop, plays the scenes, looks at each page by light and by
dark, and writes docs/tour/NAME-light.webp and NAME-dark.webp.
"""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

from tests.live.conftest import CHROMIUM, CHROMIUM_FLAGS, ROOT, Site, free_port
from tests.live.site import PLAYWRIGHTS_PATIENCE

PICTURES = ROOT / "docs" / "tour"
DESKTOP, TALL, PHONE = (1360, 850), (1360, 1500), (390, 780)
LARGEST, LARGEST_OF_ALL = 150_000, 3_000_000
QUALITY = 82
PASSWORD = "attune-demo"
PLAY = "from tests.live.tour import scenes; scenes.play()"
LIVE = "/admin/chatbot/conversation/live/"


@dataclass
class Shot:
    name: str
    # Leads the page to what is to be seen; the page is logged in where `who` is somebody.
    lead: Callable[[Page, str], None]
    who: str = "admin"
    size: tuple[int, int] = DESKTOP


def chat(page: Page, url: str, customer: str) -> FrameLocator:
    page.goto(f"{url}/?customer={customer}")
    page.locator("button[aria-expanded][aria-label*=chat i]").first.click()
    frame = page.frame_locator("iframe[title]")
    expect(frame.locator("body")).to_have_attribute("data-connection", "online")
    return frame


def shop(page: Page, url: str) -> None:
    frame = chat(page, url, "cust_1")
    frame.locator("button.chip").last.click()
    expect(frame.locator("[data-part=detail]").last).to_be_visible()


def line(page: Page, url: str) -> None:
    frame = chat(page, url, "cust_3")
    expect(frame.locator("#state-line")).to_contain_text("Waiting")
    page.wait_for_timeout(3_000)  # The place in the line is told every two seconds.


def page_at(path: str) -> Callable[[Page, str], None]:
    def lead(page: Page, url: str) -> None:
        page.goto(url + path)
        page.wait_for_load_state("networkidle")

    return lead


def live(page: Page, url: str) -> None:
    page.goto(url + LIVE)
    row = page.locator("#rows button").filter(has_text="Daniel Okafor")
    row.click()
    expect(page.locator("#messages li").first).to_be_visible()
    page.wait_for_timeout(500)


def conversation(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/chatbot/conversation/?q=cust_1")
    page.locator("#result_list tbody a").first.click()
    trace = page.locator("details.trace").last
    trace.locator("summary").click()
    trace.scroll_into_view_if_needed()
    page.mouse.move(0, 0)


def inbox(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/chatbot/inbox/")
    page.get_by_role("link", name="Fernhill Outdoor").click()
    heading = page.get_by_text("When agents are alerted").first
    heading.evaluate("one => one.scrollIntoView({block: 'start'})")


def customer(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/chatbot/erasure/of/cust_2/")


SHOTS = [
    Shot("shop", shop, who=""),
    Shot("line", line, who="", size=PHONE),
    Shot("live", live, who="dora"),
    Shot("conversation", conversation),
    Shot("conversations", page_at("/admin/chatbot/conversation/")),
    Shot("figures", page_at("/admin/chatbot/figure/dashboard/"), who="lena", size=TALL),
    Shot("inbox", inbox),
    Shot("records", page_at("/admin/crm/record/order_3A10482/change/")),
    Shot("inbound", page_at("/admin/crm/inboundevent/")),
    Shot("models", page_at("/admin/chatbot/tier/")),
    Shot("erase", customer),
    Shot("audit", page_at("/admin/auditlog/logentry/"), who="olga"),
    Shot("second-factor", page_at("/admin/second-factor/"), who="lena"),
    Shot("log-in", page_at("/admin/login/"), who=""),
]


def take(browser: Browser, url: str, shot: Shot, scheme: str) -> int:
    """The size of the picture in bytes."""
    width, height = shot.size
    viewport = {"width": width, "height": height}
    context = browser.new_context(
        viewport=viewport, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
    )
    context.set_default_timeout(PLAYWRIGHTS_PATIENCE)
    page = context.new_page()
    if shot.who:
        log_in(page, url, shot.who)
    shot.lead(page, url)
    path = PICTURES / f"{shot.name}-{scheme}.webp"
    Image.open(io.BytesIO(page.screenshot())).save(path, quality=QUALITY, method=6)
    context.close()
    return path.stat().st_size


def log_in(page: Page, url: str, name: str) -> None:
    page.goto(f"{url}/admin/login/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/admin/")


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PLAYWRIGHTS_PATIENCE)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder), Site.environment(Path(folder)) | {"SLM_PORT": str(free_port())})
        site.start().until_ready()
        try:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            # Somebody is there for those who ask for a person.
            robin = browser.new_context().new_page()
            log_in(robin, site.url, "agent")
            robin.goto(site.url + LIVE)
            expect(robin.locator("#live")).to_have_attribute("data-connection", "online")
            site.manage("shell", "-c", PLAY)
            sizes = [
                take(browser, site.url, shot, scheme)
                for shot in SHOTS
                for scheme in ("light", "dark")
            ]
            browser.close()
        finally:
            site.end()
    assert max(sizes) <= LARGEST, f"A picture has {max(sizes)} bytes."
    assert sum(sizes) <= LARGEST_OF_ALL, f"The pictures have {sum(sizes)} bytes."
    print(f"{len(sizes)} pictures in {PICTURES}, {sum(sizes) / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
