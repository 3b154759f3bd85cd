"""The browser's side: scripts import one way, pages name files that exist, colours agree."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from chatbot.models import OWN_COLOUR
from chatbot.widget.look import DARK_GROUND

ROOT = Path(settings.BASE_DIR)
SCRIPTS = ROOT / "chatbot" / "static" / "chatbot"
MODULES = sorted(path for path in SCRIPTS.rglob("*.js"))
IMPORT = re.compile(r'^import .* from "(.+)";$|^} from "(.+)";$', re.MULTILINE)
NAMED = re.compile(r"{% static '(.+?)' %}")
# Low to high: a folder's modules import from their own folder and from lower ones.
CUSTOMER = ["common", "attachments", "widget/connection", "widget/view", "widget"]
CONSOLE = ["console", "console/queue", "console/customer", "console/conversation"]
AGENT = ["common", "attachments", *CONSOLE]
LONGEST = 250
DARK = "prefers-color-scheme: dark"
COLOUR = re.compile(r"--([\w-]+): (#\w+)")


def imported(module: Path) -> list[Path]:
    found = IMPORT.findall(module.read_text())
    return [(module.parent / (one or other)).resolve() for one, other in found]


def folder(module: Path) -> str:
    return module.parent.relative_to(SCRIPTS).as_posix()


def circle(module: Path, behind: tuple[Path, ...] = ()) -> list[str]:
    if module in behind:
        return [path.name for path in (*behind[behind.index(module) :], module)]
    return next(filter(None, (circle(one, (*behind, module)) for one in imported(module))), [])


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(SCRIPTS).as_posix())
def test_a_module_is_short_and_imports_what_exists_and_is_no_part_of_a_circle(module: Path) -> None:
    assert len(module.read_text().splitlines()) < LONGEST
    assert [path for path in imported(module) if not path.is_file()] == []
    assert circle(module) == []


@pytest.mark.parametrize("order", [CUSTOMER, AGENT], ids=["customer", "agent"])
def test_modules_import_from_their_own_folder_and_lower_ones(order: list[str]) -> None:
    # main.js joins the parts of the whole console.
    for module in (path for path in MODULES if folder(path) in order and path.stem != "main"):
        lower = order[: order.index(folder(module)) + 1]
        assert [path for path in imported(module) if folder(path) not in lower] == [], module


def test_every_static_file_that_a_page_names_exists() -> None:
    for template in sorted((ROOT / "templates").rglob("*.html")):
        for name in NAMED.findall(template.read_text()):
            assert finders.find(name), f"{template.name} names {name}"


def test_the_launcher_has_the_colours_of_the_widgets_theme() -> None:
    launcher = schemes(SCRIPTS / "widget" / "loader.js")
    theme = schemes(SCRIPTS / "widget" / "styles" / "theme.css")
    for mine, theirs in zip(launcher, theme, strict=True):
        assert (mine["accent"], mine["panel"]) == (theirs["accent"], theirs["ground"])


def test_an_inbox_without_a_colour_of_its_own_has_the_themes_accent() -> None:
    light, dark = schemes(SCRIPTS / "widget" / "styles" / "theme.css")
    assert (light["accent"], dark["ground"]) == (OWN_COLOUR, DARK_GROUND)


def schemes(path: Path) -> list[dict[str, str]]:
    """The colours of the light and of the dark scheme."""
    return [dict(COLOUR.findall(part)) for part in path.read_text().split(DARK)]
