"""Imports point one way, and the web process stays light."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Low to high. A file imports from its own entry and from lower ones; entries side by side do not
# import each other. A file belongs to the longest entry that its name begins with; the three
# packages' own entries are the files at their top.
LAYERS = """
inference
inference.models
inference.encoder
inference.energy
inference.generation
inference.grounding
inference.index
inference.evaluation
inference.training
inference.reading
inference.sentiment
inference.wishes
inference.benchmarks
crm.signals crm.signing
crm.plumbing
crm.models
crm.dialects
crm.ids
crm.action_answers
crm.knowledge
crm.articles
crm.importing crm.websites
crm.customers
crm.outbound
crm.inbound
crm.tasks
crm.management
crm.admin
crm.demo
crm
chatbot.config
chatbot.models
chatbot.privacy chatbot.wire
chatbot.telemetry
chatbot.people
chatbot.engines
chatbot.attachments
chatbot.conversation
chatbot.reply
chatbot.teaching chatbot.gaps
chatbot.api chatbot.watches
chatbot.widget
chatbot.console
chatbot.reports
chatbot.admin
chatbot.demo chatbot.evaluation chatbot.operations chatbot.backup
chatbot.management
chatbot
"""
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
    # What reads files and web pages, in a child process or a worker.
    "openpyxl",
    "docx",
    "pypdfium2",
    "trafilatura",
    "lxml",
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


def named(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {named(path): path for name in sorted(OURS) for path in (ROOT / name).rglob("*.py")}
PLACES = {
    entry: (floor, entry) for floor, row in enumerate(LAYERS.split("\n")) for entry in row.split()
}


def place(module: str) -> tuple[int, str]:
    """The floor and the entry of a module in LAYERS."""
    parts = module.split(".")
    names = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next(PLACES[name] for name in names if name in PLACES)


def imports_of_ours(module: str) -> Iterator[str]:
    """Also those inside functions and under TYPE_CHECKING."""
    for node in imports(FILES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module in FILES:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in FILES else node.module for name in inner)


def graph() -> dict[str, set[str]]:
    return {
        module: set(imports_of_ours(module)) - {module}
        for module in FILES
        if ".migrations" not in module
    }


def test_imports_point_one_way() -> None:
    assert not [module for module in FILES if module.partition(".")[0] not in PLACES]
    wrong = [
        f"{module} imports {other}"
        for module, others in graph().items()
        for other in others
        if place(other)[0] >= place(module)[0] and place(other) != place(module)
    ]
    assert not wrong, (
        f"{'; '.join(wrong)}. An import points down the list LAYERS in tests/test_imports.py: move "
        "what both files need into a lower package, or the file that asks into a higher one."
    )


def test_the_models_know_no_django() -> None:
    """They serve commands and model servers that have none."""
    wrong = [
        f"{module} imports {name}"
        for module, path in FILES.items()
        if module.startswith("inference")
        for name in {"django", "channels", "rest_framework"} & set(imported(path))
    ]
    assert not wrong


def test_no_two_files_need_each_other() -> None:
    """graphlib names the files of a circle."""
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        raise AssertionError(
            f"{' → '.join(error.args[1])} is a circle of imports: move what they share into a file "
            "of its own."
        ) from None


def test_no_import_is_relative() -> None:
    """A relative import could hide its target from the tests above."""
    relative = [
        f"{module}:{node.lineno}"
        for module, path in FILES.items()
        for node in imports(path)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative, f"Write the whole name of what is imported: {', '.join(relative)}."


def loaded_after(statements: str, data_dir: Path) -> set[str]:
    """The top-level modules, and all of ours, of a fresh interpreter after the statements."""
    report = (
        "; import sys; print(*{name.split('.')[0] for name in sys.modules},"
        " *(name for name in sys.modules if name.startswith(('chatbot.', 'crm.'))))"
    )
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


@pytest.mark.slow
def test_the_web_process_loads_no_library_of_training_or_of_an_index_server(tmp_path: Path) -> None:
    loaded = loaded_after("import chatbot.asgi, chatbot.urls, crm.knowledge.indexing", tmp_path)
    assert {"chatbot", "crm", "inference", "django"} <= loaded
    assert not loaded & HEAVY


@pytest.mark.slow
def test_a_command_that_answers_loads_only_what_answers(tmp_path: Path) -> None:
    """Each start of `manage.py ask` would pay for the rest, which was two modules of five."""
    start = "import django; django.setup(); from django.core.management import load_command_class"
    check = (
        "from django.core.checks import run_checks; run_checks(tags=asks.requires_system_checks)"
    )
    loaded = loaded_after(
        f"{start}; asks = load_command_class('chatbot', 'ask'); {check}", tmp_path
    )
    assert "chatbot.reply.answer" in loaded
    assert not loaded & HEAVY
    assert not loaded & {"chatbot.urls", "chatbot.api", "chatbot.admin", "crm.admin"}
    others = {"bm25s", "scipy", "psycopg", "markdown_it", "requests", "trafilatura"}
    assert not loaded & {*others, "lxml", "openpyxl", "docx", "pypdfium2", "PIL", "sklearn"}


def test_the_model_server_loads_neither_django_nor_a_training_library(tmp_path: Path) -> None:
    loaded = loaded_after("import inference.generation.local_server", tmp_path)
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
