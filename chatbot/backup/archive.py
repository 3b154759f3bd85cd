"""A backup's file: a tar, readable without Attune, whose last member says what the others are.

It is written and read as a stream, whatever its size. Nothing is extracted under a name that the
file itself chooses: who reads a member decides where it goes.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any

MANIFEST = "manifest.json"
FORMAT = 1
PLACE = re.compile(r"(database|attachments|sentiment|secrets)(/[\w-][\w.-]*){1,2}", re.ASCII)
PIECE = 1 << 20
# Of a manifest: a line of some hundred bytes for each of a million files.
LARGEST_MANIFEST = 1 << 29

Progress = Callable[[int], Any]


class BackupError(Exception):
    """One sentence that says what to do."""


@dataclass
class Manifest:
    engine: str
    version: str
    made_at: str
    # (app, name) of each that had been applied.
    migrations: list[tuple[str, str]]
    # What the database's part needs to be read again.
    database: dict[str, Any]
    # Files that had been removed before they could be copied: their owner was being erased.
    left_out: list[str] = field(default_factory=list)
    # name -> [bytes, SHA-256]
    members: dict[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT


@dataclass
class Counted:
    """A stream that is hashed as it is read."""

    source: IO[bytes]
    progress: Progress
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(size)
        self.digest.update(data)
        self.progress(len(data))
        return data


# --- writing


@dataclass
class Writer:
    tar: tarfile.TarFile
    progress: Progress
    members: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        counted = Counted(source, self.progress)
        self.tar.addfile(header(name, size), counted)
        self.members[name] = (size, counted.digest.hexdigest())

    def add_bytes(self, name: str, data: bytes) -> None:
        self.add(name, BytesIO(data), len(data))

    def close(self, manifest: Manifest) -> None:
        data = json.dumps(asdict(manifest) | {"members": self.members}, indent=1).encode()
        self.tar.addfile(header(MANIFEST, len(data)), BytesIO(data))


def header(name: str, size: int) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size, found.mode = size, 0o600
    return found


@contextmanager
def writing(path: Path, progress: Progress) -> Iterator[Writer]:
    """The file appears under its name when it is whole, and for its owner alone."""
    if path.exists():
        raise BackupError(f"{path} is there already and stays as it is: choose another name.")
    draft = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = f"{draft} is there: another backup is being written. If none is, remove that file."
        raise BackupError(text) from None
    try:
        with os.fdopen(handle, "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar, progress)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


# --- reading


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except tarfile.TarError as error:
        raise BackupError(f"{path} is no backup, or was cut off: {error}.") from None


def verified(path: Path, progress: Progress) -> Manifest:
    """What it holds; BackupError unless every byte of it is as it was written."""
    manifest, found, most = None, dict[str, tuple[int, str]](), path.stat().st_size
    with opened(path) as tar:
        for member in tar:
            if not belongs(member, most) or member.name in found:
                text = f"{member.name!r} does not belong into a backup: {path} was changed."
                raise BackupError(text)
            if member.name == MANIFEST:
                manifest = manifest_of(tar, member)
            else:
                found[member.name] = (member.size, digest_of(tar, member, progress))
    if manifest is None:
        raise BackupError(f"{path} has no manifest: it was cut off. Take another backup.")
    for name in sorted(manifest.members.keys() | found.keys()):
        if manifest.members.get(name) != found.get(name):
            text = f"{name} in {path} is missing, or is not as it was written"
            raise BackupError(f"{text}. Nothing was touched: take another backup.")
    return manifest


def belongs(member: tarfile.TarInfo, most: int) -> bool:
    """A plain file of ours, no larger than the whole; no link, no folder, no hole."""
    ours = member.name == MANIFEST or PLACE.fullmatch(member.name)
    plain = member.type == tarfile.REGTYPE and not member.sparse
    return bool(ours) and plain and member.size <= most


def manifest_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    if member.size > LARGEST_MANIFEST:
        raise BackupError(f"The manifest has {member.size:,} bytes: the backup was changed.")
    try:
        given = json.loads(stream(tar, member).read())
        if given["format"] > FORMAT:
            text = f"The backup was written by a newer Attune ({given['version']}): install that."
            raise BackupError(text)
        given["members"] = {name: tuple(one) for name, one in given["members"].items()}
        given["migrations"] = [tuple(one) for one in given["migrations"]]
        return Manifest(**given)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"The backup's manifest cannot be read: {error!r}.") from None


def digest_of(tar: tarfile.TarFile, member: tarfile.TarInfo, progress: Progress) -> str:
    counted = Counted(stream(tar, member), progress)
    while counted.read(PIECE):
        pass
    return str(counted.digest.hexdigest())


def stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = tar.extractfile(member)
    assert found  # A plain file.
    return found


def below(tar: tarfile.TarFile, folder: str) -> Iterator[tuple[str, IO[bytes]]]:
    """(name within the folder, content) of each member, in the order in which they were written."""
    for member in tar.getmembers():
        if member.name.startswith(f"{folder}/"):
            yield member.name.removeprefix(f"{folder}/"), stream(tar, member)
