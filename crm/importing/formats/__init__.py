"""Reads files of many formats in a child process, so that a hostile file harms nothing.

    contents = read(path, "knowledge.zip")
    for number, row in rows(path, "knowledge.zip", contents.tables[0].name): …

Both raise Unreadable if the file as a whole cannot be read. The child imports no Django; the
formats' libraries are loaded there alone.
"""

from crm.importing.formats.reading import read, rows
from crm.importing.formats.shapes import Contents, Document, Table, Unreadable

__all__ = ["Contents", "Document", "Table", "Unreadable", "read", "rows"]
