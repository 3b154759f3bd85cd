"""The file of a backup: a tar, readable without Attune, whose last member lists the others.

It is written and read as a stream, whatever its size. Nothing is extracted under a name that the
file itself chooses: the code that reads a member decides where it goes.
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
PLACE = re.compile(
    r"(database|attachments|sentiment|reranking|secrets)(/[\w-][\w.-]*){1,2}", re.ASCII
)
PIECE = 1 << 20
# Bytes of a manifest: some hundred for each of a million files.
LARGEST_MANIFEST = 1 << 29

Progress = Callable[[int], Any]


class BackupError(Exception):
    """A backup or restore that cannot go on; the message says what to do."""


@dataclass
class Manifest:
    engine: str
    version: str
    made_at: str
    # (app, name) of each applied migration.
    migrations: list[tuple[str, str]]
    # What `restore` of the engine needs.
    database: dict[str, Any]
    # Files that were deleted before they could be copied, because their owner was being erased.
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
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


@contextmanager
def writing(path: Path, progress: Progress) -> Iterator[Writer]:
    """Write a backup that only its owner can read; it gets its name once it is complete."""
    if path.exists():
        raise BackupError(f"{path} exists and is not overwritten: choose another name.")
    draft = path.with_name(f".{path.name}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        text = f"{draft} exists: another backup is being written. If not, remove that file."
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
        raise BackupError(f"{path} is not a backup, or was cut off: {error}.") from None


def verified(path: Path, progress: Progress) -> Manifest:
    """Read the manifest; BackupError unless every byte of the file is as it was written."""
    manifest, members, most = None, dict[str, tuple[int, str]](), path.stat().st_size
    with opened(path) as tar:
        for member in tar:
            if not belongs(member, most) or member.name in members:
                text = f"{member.name!r} does not belong in a backup: {path} was changed."
                raise BackupError(text)
            if member.name == MANIFEST:
                manifest = manifest_of(tar, member)
            else:
                members[member.name] = (member.size, digest_of(tar, member, progress))
    if manifest is None:
        raise BackupError(f"{path} has no manifest: it was cut off. Use another backup.")
    for name in sorted(manifest.members.keys() | members.keys()):
        if manifest.members.get(name) != members.get(name):
            text = f"{name} in {path} is missing, or is not as it was written"
            raise BackupError(f"{text}. Nothing was changed: use another backup.")
    return manifest


def belongs(member: tarfile.TarInfo, most: int) -> bool:
    """Tell whether a member is a regular file with one of our names, no larger than the backup."""
    ours = member.name == MANIFEST or PLACE.fullmatch(member.name)
    plain = member.type == tarfile.REGTYPE and not member.sparse
    return bool(ours) and plain and member.size <= most


def manifest_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    if member.size > LARGEST_MANIFEST:
        raise BackupError(f"The manifest has {member.size:,} bytes: the backup was changed.")
    try:
        document = json.loads(stream(tar, member).read())
        if document["format"] > FORMAT:
            text = f"The backup was written by a newer Attune ({document['version']})"
            raise BackupError(f"{text}: install that version first.")
        document["members"] = {name: tuple(pair) for name, pair in document["members"].items()}
        document["migrations"] = [tuple(pair) for pair in document["migrations"]]
        return Manifest(**document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"The backup's manifest cannot be read: {error!r}.") from None


def digest_of(tar: tarfile.TarFile, member: tarfile.TarInfo, progress: Progress) -> str:
    counted = Counted(stream(tar, member), progress)
    while counted.read(PIECE):
        pass
    return str(counted.digest.hexdigest())


def stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    assert content  # It is a regular file.
    return content


def below(tar: tarfile.TarFile, folder: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name within the folder and content of each member, in the order of writing."""
    for member in tar.getmembers():
        if member.name.startswith(f"{folder}/"):
            yield member.name.removeprefix(f"{folder}/"), stream(tar, member)
