"""Every pattern of the code base takes work in proportion to its text, however hostile that is.

One message of 4,000 characters, or one record, must not keep every socket of the process waiting.
No time is asserted: what is compared is the work at one length with that at another.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from tests import hostile

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
FUNCTIONS = {
    "search",
    "match",
    "fullmatch",
    "split",
    "findall",
    "finditer",
    "sub",
    "subn",
    "compile",
}
ANCHORED = {"match", "fullmatch"}


@cache
def patterns(package: str) -> dict[str, tuple[re.Pattern[Any], str]]:
    """By their own text: each pattern, and the function that it is used with."""
    found: dict[str, tuple[re.Pattern[Any], str]] = {}
    for module in modules(package):
        for one in held(list(vars(module).values())):
            found.setdefault(str(one.pattern), (one, "finditer"))
    for module in modules(package):
        for one, function in called(module):
            found.setdefault(str(one.pattern), (one, function))
    return found


def modules(package: str) -> Iterator[Any]:
    for one in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
        # Training needs libraries that the service does without.
        if "migrations" not in one.name and not one.name.startswith(TRAINING):
            yield importlib.import_module(one.name)


TRAINING = (
    "inference.reading.training",
    "inference.sentiment.distillation",
    "inference.sentiment.compression",
)


def held(value: Any) -> Iterator[re.Pattern[Any]]:
    """By a variable, in whatever it is kept."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from held(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from held(one)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        yield from held(list(vars(value).values()))


class Names(dict[str, Any]):
    """Those of a module; a name that only a function knows stands for a letter."""

    def __missing__(self, name: str) -> str:
        return "x"


def called(module: Any) -> Iterator[tuple[re.Pattern[Any], str]]:
    """In calls like re.sub(…), with the module's names filled in."""
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=function),
                args=[ast.Constant() | ast.JoinedStr() as text, *_],
            ) if function in FUNCTIONS:
                code = compile(ast.Expression(text), module.__name__, "eval")
                yield re.compile(eval(code, {}, Names(vars(module)))), function


# Collecting the tests imports no module of the code base for these: each process of pytest-xdist
# collects them all.
@pytest.mark.parametrize(("package", "least"), [("chatbot", 30), ("crm", 15), ("inference", 40)])
def test_a_hostile_text_costs_no_more_than_its_length(package: str, least: int) -> None:
    known = patterns(package)
    assert len(known) > least, "the patterns are found"
    found = {
        text: hostile.found(working(*one), hostile.attacks(one[0])) for text, one in known.items()
    }
    assert {text: slow for text, slow in found.items() if slow} == {}


def working(pattern: re.Pattern[Any], function: str) -> Callable[[str], Any]:
    return partial(through, pattern, function if function in ANCHORED else "finditer")


def through(pattern: re.Pattern[Any], function: str, text: str) -> None:
    subject = text if isinstance(pattern.pattern, str) else text.encode("latin1", "replace")
    found = getattr(pattern, function)(subject)
    if function == "finditer":
        for _ in found:
            pass
