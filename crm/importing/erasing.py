"""Removes an erased customer from what imports keep: files that wait for choices, and errors."""

import re
from collections.abc import Iterator
from pathlib import Path

from celery import shared_task

from crm.importing import files, formats, runs
from crm.importing.formats import Unreadable
from crm.models import Import

State = Import.State
ERASED = "The file named a customer who was erased. Upload a file without that person."


@shared_task(name="crm.tasks.forget_in_imports")
def forget_in_imports(ids: list[str]) -> int:
    """Cancel the imports whose waiting file names one of these customers. Returns how many.

    An import that is running needs no help: it drops the person's rows, and its file goes with it.
    """
    either = "|".join(map(re.escape, ids))
    names = re.compile(rf"(?<!\w)(?:{either})(?!\w)").search
    for run in Import.objects.exclude(errors=[]).only("errors"):
        kept = [error for error in run.errors if not any(map(names, error))]
        if kept != run.errors:
            Import.objects.filter(pk=run.pk).update(errors=kept)
    waiting = Import.objects.filter(state__in=[State.READING, State.ASKING]).exclude(file="")
    found = [run for run in waiting if any(map(names, texts_of(run)))]
    for run in found:
        runs.cancel(run, ERASED)
    return len(found)


def texts_of(run: Import) -> Iterator[str]:
    """Yield everything that the file says; as much as can be read of a damaged one."""
    path, preview = files.path_of(run), run.preview
    try:
        if "table" in preview:
            yield from rows_of(path, preview["file"], preview["table"])
            return
        contents = formats.read(path, run.name)
        yield from (f"{document.title}\n{document.body}" for document in contents.documents)
        if "part" not in preview:
            for table in contents.tables:
                yield from rows_of(path, run.name, table.name)
    except (Unreadable, FileNotFoundError):
        return


def rows_of(path: Path, name: str, table: str) -> Iterator[str]:
    for _, row in formats.rows(path, name, table):
        yield str(row) if isinstance(row, Unreadable) else " ".join(map(str, row.values()))
