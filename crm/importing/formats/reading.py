"""Starts the child process that reads a file, and takes what it tells."""

import json
import logging
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crm.importing.formats import limits
from crm.importing.formats.shapes import Contents, Document, Table, Unreadable

logger = logging.getLogger("attune.importing")
ROOT = Path(__file__).parents[3]
# No setting or secret of the parent: what a hostile file could make the child tell must be nothing.
# openpyxl reads XML with defusedxml unless lxml takes its place.
ENVIRONMENT = {"OPENPYXL_LXML": "False", "PYTHONUTF8": "1", "PATH": os.defpath}
TOO_LARGE = f"is larger than {limits.FILE // limits.MEGABYTE} MB: import it in parts"
TOO_LONG = "takes too long to read: import it in smaller parts, or in another format"
TOO_MUCH = "needs too much memory to read: import it in smaller parts"
DAMAGED = "is damaged: open it in the program that it comes from, save it again and import that"
# The exit codes of a child that the kernel has stopped.
ENDINGS = {-signal.SIGPROF: TOO_LONG, -signal.SIGXCPU: TOO_LONG, -signal.SIGKILL: TOO_MUCH}


def read(path: Path, name: str) -> Contents:
    """Return what is in the file. Raises Unreadable.

    name: what the file was called where it came from; its ending counts where its content does
    not tell what it is.
    """
    found = Contents()
    for message in messages(path, name):
        match message:
            case ["table", *table]:
                found.tables.append(Table(*table))
            case ["document", *document]:
                found.documents.append(Document(*document))
            case ["error", place, reason]:
                found.errors.append((place, f"{place} {reason}"))
    if len(found.errors) == 1 and not found.tables and not found.documents:
        raise Unreadable(found.errors[0][1])
    return found


def rows(path: Path, name: str, table: str) -> Iterator[tuple[int, dict[str, Any] | Unreadable]]:
    """Yield the rows of a table that `read` has named, each with its number: that of the row in the
    sheet or CSV file, the head's included, or of the line among JSON lines.

    The values are texts as they stand in a CSV file, without white space around them ("" if empty);
    texts, numbers, booleans and None in sheets; any JSON value in JSON lines. Dates of sheets are
    ISO texts. A row that cannot be read comes as Unreadable. Raises Unreadable where the file
    cannot be read on.

    The child lives as long as the iterator, and waits for it; it must be iterated in one thread.
    """
    for message in messages(path, name, table):
        match message:
            case ["row", number, values]:
                yield number, values
            case ["bad row", number, reason]:
                yield number, Unreadable(reason)
            case ["error", place, reason]:
                raise Unreadable(f"{place} {reason}")


def messages(path: Path, name: str, table: str | None = None) -> Iterator[list[Any]]:
    """Yield what the child tells. Raises Unreadable if the child dies over it."""
    from crm.plumbing import storable  # Django; the child imports this package too.

    if path.stat().st_size > limits.FILE:
        raise Unreadable(f"{name} {TOO_LARGE}")
    place = name
    with child(path, name, table) as process:
        try:
            for line in lines(process):
                match message := storable.loads(line):
                    case ["file", place]:
                        pass
                    case ["broken", broken, trace]:
                        logger.error("%s could not be read:\n%s", broken, trace)
                        yield ["error", broken, DAMAGED]
                    case ["done"]:
                        return
                    case _:
                        yield message
        except TimeoutError:
            raise Unreadable(f"{place} {TOO_LONG}") from None
        raise Unreadable(f"{place} {ENDINGS.get(process.wait(), DAMAGED)}")


@contextmanager
def child(path: Path, name: str, table: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child on the open file: it needs no permission for the folder that holds it."""
    with path.open("rb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "crm.importing.formats.child", json.dumps([name, table])],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def lines(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield the lines that the child writes. Raises TimeoutError if it is silent."""
    assert process.stdout
    pipe = process.stdout.fileno()
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    rest: list[bytes] = []
    while waiting.poll(limits.SILENCE * 1_000):
        if not (chunk := os.read(pipe, 1 << 16)):
            return
        first, *others = chunk.split(b"\n")
        rest.append(first)
        for line in others:
            yield b"".join(rest)
            rest = [line]
    raise TimeoutError
