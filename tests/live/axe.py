"""axe-core's findings on a page, by light and by dark."""

from collections.abc import Sequence
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Frame, Page

SERIOUS = {"serious", "critical"}
# Each frame is looked at by itself.
ALL_RULES = {"resultTypes": ["violations"], "iframes": False}
# What the scheme decides.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
COLOURS = {**ALL_RULES, "runOnly": {"type": "rule", "values": OF_COLOURS}}
RUN = "([exclude, rules]) => axe.run({exclude}, rules).then(found => found.violations)"
# The admin's navigation is the same on all pages but for the highlight, so one look is enough.
NAVIGATION = "#nav-sidebar"
# Where the admin's theme follows the system it does so only as the page is loaded.
FOLLOW = """html => {
    html.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
    for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
}"""


class Findings(dict[str, list[str]]):
    """What axe-core finds serious, by the page's name."""

    known: tuple[str, ...] = ()

    def look(self, page: Page, name: str) -> None:
        """Check all rules in light mode and the colour rules in dark mode, without loading the page
        again."""
        found = violations(page, ALL_RULES, self.known)
        switch(page, "dark")
        found += [f"dark: {one}" for one in violations(page, COLOURS, self.known)]
        switch(page, "light")
        if page.locator(NAVIGATION).is_visible():
            self.known = (NAVIGATION,)
        if found:
            self[name] = found

    def assert_none(self) -> None:
        lines = [f"{name}: {one}" for name, found in self.items() for one in found]
        assert not lines, "\n".join(lines)


def switch(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.locator("html").evaluate(FOLLOW)


def violations(page: Page, rules: dict[str, Any], known: Sequence[str]) -> list[str]:
    """Return the serious violations on the page and in the chat's frame, leaving out the `known`
    parts."""
    return [
        f"{one['id']}: {node['html'][:160]}"
        for frame in page.frames
        if frame.url != "about:blank"  # the chat's, before it is opened
        for one in run(frame, rules, known)
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def run(frame: Frame, rules: dict[str, Any], known: Sequence[str]) -> list[dict[str, Any]]:
    """Axe stays in the frame until it loads another page: half a megabyte is sent once."""
    if not frame.evaluate("'axe' in window"):
        frame.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = frame.evaluate(RUN, [list(known), rules])
    return found
