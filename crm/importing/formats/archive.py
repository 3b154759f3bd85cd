"""Unpacks ZIP files, member by member and in memory, and refuses what is made to do harm.

Nothing is ever written to a path that a ZIP names, so "../" in a name or a link could do nothing;
they are refused because the file is not what somebody meant to import.
"""

import stat
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from crm.importing.formats import limits
from crm.importing.formats.kinds import File, kind_of
from crm.importing.formats.shapes import Unreadable

# Operating systems add these to a ZIP.
ADDED = ("__MACOSX", "Thumbs.db", "desktop.ini")
UNPACKED = f"{limits.UNPACKED // limits.MEGABYTE} MB"
BOMB = "is compressed so much that it could fill the memory: import it without the ZIP"


def members(file: File) -> Iterator[File | tuple[str, str]]:
    """Yield the files of a ZIP, or the file itself if it is none; instead of a file that is
    refused, its name and why. Raises Unreadable for the whole."""
    kind = kind_of(file)
    if kind in {"xlsx", "docx"}:
        check(ZipFile(BytesIO(file.data)))
    if kind != "zip":
        yield file
        return
    archive = ZipFile(BytesIO(file.data))
    check(archive)
    wanted = [one for one in archive.infolist() if is_meant(one)]
    if not wanted:
        raise Unreadable("holds no files: pack it again")
    for one in wanted:
        name = name_of(one)
        if reason := refusal(one):
            yield name, reason
        else:
            yield member(archive, one, name)


def check(archive: ZipFile) -> None:
    """Raise Unreadable if the members are too many, too large or overlap. The sizes are those that
    the ZIP declares: zipfile unpacks no more than that."""
    infos = archive.infolist()
    if len(infos) > limits.FILES:
        raise Unreadable(f"holds more than {limits.FILES:,} files: import it in parts")
    if sum(one.file_size for one in infos) > limits.UNPACKED:
        raise Unreadable(f"unpacks to more than {UNPACKED}: import it in parts")
    end = 0
    for one in sorted(infos, key=lambda one: one.header_offset):
        if one.header_offset < end:
            raise Unreadable("is a damaged ZIP whose files overlap: create it again")
        end = one.header_offset + one.compress_size
        if one.file_size > max(limits.LARGE, limits.RATIO * one.compress_size):
            raise Unreadable(BOMB)


def is_meant(one: ZipInfo) -> bool:
    """Tell whether somebody put the file there, and not their operating system."""
    parts = PurePosixPath(one.filename).parts
    return not one.is_dir() and not any(part in ADDED or part.startswith("._") for part in parts)


def refusal(one: ZipInfo) -> str:
    """Return why a member is not read; "" if it is."""
    path = PurePosixPath(one.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        return "has a path that leads out of the ZIP: create the ZIP again"
    if stat.S_ISLNK(one.external_attr >> 16):
        return "is only a link to a file: pack the file itself"
    if one.flag_bits & 1:
        return "has a password: create the ZIP again without one"
    if one.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        return "uses an unusual compression: create the ZIP again"
    return (
        f"is larger than {limits.FILE // limits.MEGABYTE} MB" if one.file_size > limits.FILE else ""
    )


def member(archive: ZipFile, one: ZipInfo, name: str) -> File | tuple[str, str]:
    try:
        file = File(name, archive.read(one))
        kind = kind_of(file)
        if kind in {"xlsx", "docx"}:
            check(ZipFile(BytesIO(file.data)))
    except (BadZipFile, zlib.error, EOFError, OSError, UnicodeError, NotImplementedError):
        # zipfile raises the last two at a name that is not the UTF-8 that it claims to be, and at
        # patched or strongly encrypted data, which it cannot read.
        return name, "is damaged in the ZIP: pack it again"
    except Unreadable as error:
        return name, str(error)
    return (name, "is a ZIP in a ZIP: unpack it first") if kind == "zip" else file


def name_of(one: ZipInfo) -> str:
    """Return the member's name. Windows writes UTF-8 without saying so, which zipfile takes for
    cp437."""
    if one.flag_bits & 0x800:
        return one.filename
    try:
        return one.filename.encode("cp437").decode()
    except UnicodeError:
        return one.filename
