"""docs/settings.md says what the code that reads the settings says."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatbot.management.commands import settings as command

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/settings.md"
# CONTRIBUTING.md has the first; `manage.py serve` sets the second for its own children.
NOT_SETTINGS = {"ATTUNE_SHARED", "PROMETHEUS_MULTIPROC_DIR"}


def test_the_page_is_up_to_date() -> None:
    if PAGE.read_text() != command.page(command.sources()):
        pytest.fail(
            "docs/settings.md is out of date. Type: python manage.py settings > docs/settings.md"
        )


def looked_up(tree: ast.AST) -> Iterator[str]:
    """X of os.environ["X"], os.environ.get("X") and "X" in os.environ."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Subscript(value=value, slice=ast.Constant(value=str(name)), ctx=ast.Load())
                | ast.Call(
                    func=ast.Attribute(value=value, attr="get"),
                    args=[ast.Constant(value=str(name)), *_],
                )
                | ast.Compare(left=ast.Constant(value=str(name)), comparators=[value])
            ):
                if ast.unparse(value) == "os.environ":
                    yield name


@pytest.mark.slow
def test_no_variable_is_read_in_secret() -> None:
    sources = [
        path for top in ("chatbot", "crm", "inference") for path in (ROOT / top).rglob("*.py")
    ]
    read = {name for path in sources for name in looked_up(ast.parse(path.read_text()))}
    on_the_page = {row.split("`")[1] for row in PAGE.read_text().splitlines() if row[:3] == "| `"}
    assert read - on_the_page == NOT_SETTINGS


COLOURS = """
## Colours
#: Paints the fence,
#: and the gate.
FENCE = env_bool("FENCE", True)
#: The gate's own. Default: the fence's.
GATE = env("GATE", FENCE)
#: Who paints.
PAINTER = env("PAINTER")
"""


def test_a_default_is_written_as_one_would_set_it() -> None:
    page = command.page([COLOURS])
    assert page.endswith(
        "## Colours\n\n| variable | default | meaning |\n|---|---|---|\n"
        "| `FENCE` | `1` | Paints the fence, and the gate. |\n"
        "| `GATE` | the fence's | The gate's own. |\n"
        "| `PAINTER` | none | Who paints. |\n"
    )


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ('PORT = env_int("PORT", 8000)', "Write what PORT means"),
        ('#: Where it listens.\nPORT = env_int("PORT", 8 * 1000)', "Write the default of PORT"),
    ],
)
def test_what_nobody_has_written_down_is_named(line: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        command.page([f"## The site\n{line}\n"])


def test_the_command_prints_the_page(capsys: Any) -> None:
    from django.core.management import call_command

    call_command("settings")
    assert capsys.readouterr().out == command.page(command.sources())
