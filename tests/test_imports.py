"""Imports point one way, and the web process stays light."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "inference": {"django", "crm", "chatbot", "channels", "rest_framework"},
    "crm": {"chatbot"},
}
OURS = {"inference", "crm", "chatbot"}
HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "sklearn",
    "matplotlib",
    "onnx",
    "onnxscript",
    # The client of an index server, loaded where INDEX_URL names one.
    "pymilvus",
    "milvus_lite",
    "pandas",
}


@cache
def imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """Also those inside functions."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path: Path) -> Iterator[str]:
    """The top-level package of each import statement."""
    for node in imports(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    wrong = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in modules
        for name in imported(module)
        if name in FORBIDDEN[package]
    }
    assert not wrong


def test_no_import_goes_upwards() -> None:
    """A relative import could hide its target from the test above."""
    modules = [path for package in FORBIDDEN for path in (ROOT / package).rglob("*.py")]
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules
        for node in imports(path)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


def loaded_after(statements: str, data_dir: Path) -> set[str]:
    """The top-level modules of a fresh interpreter that has run the statements."""
    report = "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", statements + report],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "chatbot.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_web_process_loads_no_library_of_training_or_of_an_index_server(tmp_path: Path) -> None:
    loaded = loaded_after("import chatbot.asgi, chatbot.urls, crm.indexing", tmp_path)
    assert {"chatbot", "crm", "inference", "django"} <= loaded
    assert not loaded & HEAVY


def test_the_model_server_loads_neither_django_nor_a_training_library(tmp_path: Path) -> None:
    loaded = loaded_after("import inference.local_server", tmp_path)
    assert not loaded & {*HEAVY, "django", "numpy"}


def test_onnx_runtime_sends_nothing_to_its_maker(tmp_path: Path) -> None:
    """Seen once: it asked for mobile.events.data.microsoft.com from every process."""
    told = "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    first = "assert 'onnxruntime' not in sys.modules"
    loaded = loaded_after(
        f"import os, sys; import inference; {told}; {first}; import inference.runtime; {told}",
        tmp_path,
    )
    assert "onnxruntime" in loaded


def test_whatever_is_imported_is_pinned() -> None:
    """A package that only another one brings along goes when that one stops needing it."""
    pins = {name_of(line) for line in (ROOT / "requirements.txt").read_text().splitlines()}
    sources = [path for package in OURS for path in (ROOT / package).rglob("*.py")]
    modules = {name for path in sources for name in imported(path)}
    providers = packages_distributions()
    unpinned = {
        name
        for name in modules - set(sys.stdlib_module_names) - OURS
        if not pins & {name_of(provider) for provider in providers.get(name, [])}
    }
    assert not unpinned


def name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).strip().lower()
