"""Is the child process: reads the file on its standard input, and tells what it holds.

    python -m crm.importing.formats.child '["orders.csv", null]' < orders.csv

It writes JSON lists, one a line: ["table", …], ["document", …], or ["row", …] and ["bad row", …] if
a table is named; ["error", name, sentence] and ["broken", name, trace] about a file or sheet;
["file", name] before each file, ["alive"] now and then, and ["done"] at the end.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crm.importing.formats import limits
from crm.importing.formats.archive import members
from crm.importing.formats.confinement import confine
from crm.importing.formats.documents import documents_of
from crm.importing.formats.kinds import TABLES, File, kind_of
from crm.importing.formats.shapes import Unreadable
from crm.importing.formats.tables import OpenTable, Values, tables_of

# A sign of life comes after so many rows.
OFTEN = 1_000
# Characters of an exception's end that are logged.
TRACE = 4_000
TOO_MUCH = "needs too much memory to read: import it in smaller parts"
TEXTS = f"has more than {limits.TEXTS // limits.MEGABYTE} MB of text in all: import it in parts"
GONE = "is not in the file any more: import it again"
Messages = Iterator[list[Any]]


def main() -> None:
    # Nothing that a library prints may come between the messages.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # openpyxl would load it, and with it the threads of its algebra and their memory.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    confine()
    name, table = json.loads(sys.argv[1])
    whole = File(name, sys.stdin.buffer.read(limits.FILE + 1))
    for message in contents(whole) if table is None else rows(whole, table):
        out.write(encoded(message))
        if message[0] in {"file", "alive"}:
            out.flush()
            signal.setitimer(signal.ITIMER_PROF, limits.STUCK)  # SIGPROF ends the process.
    out.write(encoded(["done"]))
    out.flush()
    # Libraries that free what they hold have crashed at this point, after all was told.
    os._exit(0)


@dataclass(frozen=True)
class Json:
    text: str


def encoded(message: list[Any]) -> bytes:
    """Return the message as a line."""
    return f"[{', '.join(map(dumped, message))}]\n".encode()


def dumped(value: Any) -> str:
    match value:
        case Json():
            return value.text
        case list():
            return f"[{', '.join(map(dumped, value))}]"
    return json.dumps(value)


def as_json(values: Values) -> Json:
    return Json(values if isinstance(values, str) else json.dumps(values))


def contents(whole: File) -> Messages:
    """Tell everything. A file of a ZIP that cannot be read does not keep the others from it."""
    size = 0
    for file in each(whole):
        if isinstance(file, list):
            yield file
            continue
        yield ["file", file.name]
        try:
            if (kind := kind_of(file)) in TABLES:
                yield from described(file, kind)
                continue
            for document in documents_of(file, kind):
                if document is None:
                    yield ["alive"]
                elif (size := size + len(document.body)) > limits.TEXTS:
                    raise Unreadable(TEXTS)
                else:
                    yield ["document", document.name, document.title, document.body]
        except Exception as error:
            yield problem(file.name, error)


def each(whole: File) -> Iterator[File | list[Any]]:
    """Yield the files; a message instead of one that cannot be unpacked."""
    try:
        for member in members(whole):
            yield member if isinstance(member, File) else ["error", *member]
    except Exception as error:
        yield problem(whole.name, error)


def problem(name: str, error: Exception) -> list[Any]:
    match error:
        case Unreadable():
            return ["error", name, str(error)]
        case MemoryError():
            return ["error", name, TOO_MUCH]
    return ["broken", name, "".join(traceback.format_exception(error))[-TRACE:]]


def described(file: File, kind: str) -> Messages:
    for table in tables_of(file, kind):
        if not isinstance(table, OpenTable):
            yield ["error", table[0], str(table[1])]
            continue
        first: list[Json] = []
        size = count = 0
        for count, (_, row) in enumerate(table.rows, start=1):
            if count % OFTEN == 0:
                yield ["alive"]
            if isinstance(row, Unreadable) or len(first) == limits.SAMPLE:
                continue
            if (size := size + len((one := as_json(row)).text)) < limits.SAMPLE_TEXT or not first:
                first.append(one)
        yield ["table", table.name, table.columns, first, count]


def rows(whole: File, name: str) -> Messages:
    """Tell the rows of one table."""
    for file in each(whole):
        yield ["alive"]
        if isinstance(file, File) and f"{name}: ".startswith(f"{file.name}: "):
            try:
                yield from rows_of(file, name)
                return
            except Exception as error:
                yield problem(name, error)
                return
    yield ["error", name, GONE]


def rows_of(file: File, name: str) -> Messages:
    if (kind := kind_of(file)) not in TABLES:
        raise Unreadable(GONE)
    for table in tables_of(file, kind):
        if isinstance(table, OpenTable) and table.name == name:
            for count, (number, row) in enumerate(table.rows, start=1):
                if count % OFTEN == 0:
                    yield ["alive"]
                if isinstance(row, Unreadable):
                    yield ["bad row", number, str(row)]
                else:
                    yield ["row", number, as_json(row)]
            return
    raise Unreadable(GONE)


if __name__ == "__main__":
    main()
