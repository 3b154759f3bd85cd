"""A backup's file: whole or refused, for its owner's eyes, and no master of where it goes."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from chatbot.backup import archive, contents, sqlite
from chatbot.backup.archive import BackupError, Manifest
from chatbot.config.version import VERSION

pytestmark = pytest.mark.services

ROOT = Path(__file__).parents[3]
MIGRATIONS = [("chatbot", "0001_initial"), ("crm", "0001_initial")]


def silent(count: int) -> None:
    pass


def written(path: Path, **changed: Any) -> Path:
    given: dict[str, Any] = {"engine": "sqlite", "version": "1", "made_at": "2026-11-28"}
    given |= {"migrations": MIGRATIONS, "database": {}}
    with archive.writing(path, silent) as writer:
        writer.add_bytes("database/attune.sqlite3", b"rows of alice" * 100)
        writer.add_bytes("attachments/a1b2", b"a picture of bob")
        writer.close(Manifest(**given | changed))
    return path


def test_what_is_written_is_read_and_only_its_owner_may(tmp_path: Path) -> None:
    path = written(tmp_path / "one.backup")
    assert path.stat().st_mode & 0o777 == 0o600
    manifest = archive.verified(path, silent)
    assert manifest.members["attachments/a1b2"][0] == 16
    assert manifest.migrations == MIGRATIONS
    with archive.opened(path) as tar:
        found = {name: source.read() for name, source in archive.below(tar, "attachments")}
    assert found == {"a1b2": b"a picture of bob"}


def test_a_backup_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "one.backup")
    with pytest.raises(BackupError, match="choose another name"):
        written(path)


def test_a_backup_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError), archive.writing(tmp_path / "one.backup", silent) as writer:
        writer.add("attachments/a", io.BytesIO(b"short"), 500)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", [0, 520, 600, 1700, 2100, 2565])
def test_one_changed_byte_is_found(tmp_path: Path, at: int) -> None:
    path = written(tmp_path / "one.backup")
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackupError):
        archive.verified(path, silent)


@pytest.mark.parametrize("count", [0, 100, 600, 1000, 2100, 3100, 3700])
def test_a_backup_that_was_cut_off_is_refused(tmp_path: Path, count: int) -> None:
    path = written(tmp_path / "one.backup")
    path.write_bytes(path.read_bytes()[:count])
    with pytest.raises(BackupError):
        archive.verified(path, silent)


def link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"


def hard_link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname = tarfile.LNKTYPE, "database/attune.sqlite3"


def named(name: str) -> Callable[[tarfile.TarInfo], None]:
    return lambda info: setattr(info, "name", name)


OUTSIDE = ["/etc/passwd", "../x", "attachments/../../x", "attachments/..", "sentiment/a/../b"]
OUTSIDE += [
    "attachments//x",
    "other/x",
    "attachments/.hidden",
    "attachments/a/b/c",
    "attachments/é",
]


@pytest.mark.parametrize("change", [link, hard_link, *map(named, OUTSIDE)])
def test_links_and_names_that_lead_elsewhere_are_refused(tmp_path: Path, change: Any) -> None:
    path = tmp_path / "one.backup"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("attachments/x")
        change(info)
        tar.addfile(info)
    with pytest.raises(BackupError, match="does not belong in a backup"):
        archive.verified(path, silent)


def test_a_member_that_comes_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("attachments/x"))
        tar.addfile(tarfile.TarInfo("attachments/x"))
    with pytest.raises(BackupError, match="does not belong"):
        archive.verified(path, silent)


@pytest.mark.parametrize(
    "manifest", [b"", b"[]", b"{}", b"null", b'{"format": 1, "x": 2}', b"\xff"]
)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, manifest: bytes) -> None:
    path = tmp_path / "one.backup"
    with tarfile.open(path, "w") as tar:
        tar.addfile(archive.header(archive.MANIFEST, len(manifest)), io.BytesIO(manifest))
    with pytest.raises(BackupError, match="manifest cannot be read"):
        archive.verified(path, silent)


def test_what_a_newer_attune_wrote_is_refused_with_what_to_install(tmp_path: Path) -> None:
    newer = written(tmp_path / "format", version="9.9", format=archive.FORMAT + 1)
    with pytest.raises(BackupError, match="newer Attune \\(9.9\\)"):
        archive.verified(newer, silent)
    manifest = archive.verified(written(tmp_path / "engine"), silent)
    manifest.engine = contents.engine().ENGINE
    contents.check_fits(manifest)
    manifest.migrations.append(("chatbot", "9999_later"))
    with pytest.raises(BackupError, match=r"newer schema \(chatbot.9999_later\): install Attune 1"):
        contents.check_fits(manifest)
    manifest.engine = "other"
    with pytest.raises(BackupError, match="set DATABASE_URL to an empty database of that kind"):
        contents.check_fits(manifest)


def test_a_database_that_something_has_open_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "attune.sqlite3"
    with mock.patch("chatbot.backup.sqlite.place", return_value=path):
        sqlite.check_alone()  # There is none.
        held = sqlite.sqlite3.connect(path)
        held.execute("PRAGMA journal_mode = WAL")
        held.execute("CREATE TABLE one (id)")
        with pytest.raises(BackupError, match="stop Attune"):
            sqlite.check_alone()
        held.close()
        sqlite.check_alone()


def test_the_log_of_a_lost_database_is_not_played_into_the_restored_one(tmp_path: Path) -> None:
    path = tmp_path / "attune.sqlite3"
    log = tmp_path / "attune.sqlite3-wal"
    log.write_bytes(b"of before")
    with (
        mock.patch("chatbot.backup.sqlite.place", return_value=path),
        archive.opened(written(tmp_path / "one.backup")) as tar,
    ):
        sqlite.restore(tar, mock.Mock(), silent)
    assert not log.exists()
    assert path.read_bytes().startswith(b"rows of alice")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_version_is_that_of_the_project() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()
