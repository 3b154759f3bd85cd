"""Decides what belongs in a backup, and in which order it is saved and restored.

| | saved | restored |
|---|---|---|
| first | the database, from one snapshot | files of attachments |
| then | the files that its rows name | the database, in one step |

A file is written before its row, deleted after it, and never changed. So every row of the snapshot
finds its file, unless its owner is being erased; and a file that an interrupted restore has left
without a row is swept up like any other.

The index is not included: it is rebuilt from the records. Nor are files that wait to be imported:
they are uploaded again.
"""

import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from chatbot.backup import archive, postgresql, sqlite
from chatbot.backup.archive import BackupError, Manifest, Progress, Writer
from chatbot.config.version import VERSION
from chatbot.engines import classifier
from chatbot.engines.reader import trained_here
from chatbot.models import attachment_storage

SECRET = "secrets/secret_key"
MIGRATIONS = "SELECT app, name FROM django_migrations ORDER BY id"
FILES = "SELECT file FROM chatbot_attachment ORDER BY file"
# What `migrate` puts into an empty database.
BOOKKEEPING = {
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
}


def engine() -> ModuleType:
    return postgresql if connection.vendor == "postgresql" else sqlite


# --- saving


def back_up(path: Path, with_secrets: bool, progress: Progress) -> Manifest:
    with archive.writing(path, progress) as writer, engine().snapshot(path) as snapshot:
        manifest = Manifest(
            engine=engine().ENGINE,
            version=VERSION,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            migrations=snapshot.rows(MIGRATIONS),
            database=snapshot.add_to(writer),
        )
        files = [name for (name,) in snapshot.rows(FILES)]
        manifest.left_out = [name for name in files if not add_file(writer, name)]
        add_heads(writer)
        add_reranker(writer)
        if with_secrets:
            writer.add_bytes(SECRET, settings.SECRET_KEY.encode())
        writer.close(manifest)
    manifest.members = writer.members
    return manifest


def add_file(writer: Writer, name: str) -> bool:
    """Add an attachment; False if it was deleted since the snapshot."""
    try:
        with attachment_storage().open(name) as file:
            writer.add(f"attachments/{name}", file, file.size)
    except FileNotFoundError:
        return False
    return True


def add_heads(writer: Writer) -> None:
    """Add this site's own sentiment heads.

    The name of the active version comes first: another process may put a new version into service
    meanwhile, and older versions stay.
    """
    folder = classifier.sentiment_site()
    paths = [folder / "active", *sorted(folder.glob("*/*"))]
    for path in paths:
        if path.is_file():
            writer.add_bytes(f"sentiment/{path.relative_to(folder)}", path.read_bytes())


def add_reranker(writer: Writer) -> None:
    """Add this site's own reranker. A training replaces its folder as a whole."""
    for path in sorted(trained_here().glob("*")):
        writer.add_bytes(f"reranking/{path.name}", path.read_bytes())


# --- restoring


def restore(path: Path, replace: bool, progress: Progress) -> Manifest:
    manifest = archive.verified(path, progress)
    check_fits(manifest)
    engine().check_alone()
    if not replace and (table := first_with_rows()):
        text = f"The database is not empty ({table} has rows): nothing was changed"
        raise BackupError(f"{text}. With --replace, its contents are lost.")
    with archive.opened(path) as tar:
        for name, source in archive.below(tar, "attachments"):
            put_file(name, source)
        engine().restore(tar, manifest, progress)
        put_folder(classifier.sentiment_site(), archive.below(tar, "sentiment"))
        put_folder(trained_here(), archive.below(tar, "reranking"))
        for _, source in archive.below(tar, "secrets"):
            put_secret(source.read())
    shutil.rmtree(settings.INDEX_DIR, ignore_errors=True)
    connection.close()
    # The backup may come from an older release.
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    return manifest


def check_fits(manifest: Manifest) -> None:
    if manifest.engine != engine().ENGINE:
        text = f"The backup is from {manifest.engine}, but DATABASE_URL names {engine().ENGINE}"
        raise BackupError(f"{text}: set DATABASE_URL to an empty database of that kind.")
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = set(loader.disk_migrations)
    if newer := [pair for pair in manifest.migrations if tuple(pair) not in known]:
        text = f"The backup has a newer schema ({'.'.join(newer[0])}): install Attune"
        raise BackupError(f"{text} {manifest.version} or later, then restore.")


def first_with_rows() -> str | None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table not in BOOKKEEPING and not table.startswith("sqlite_"):
                cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")
                if cursor.fetchone():
                    return str(table)
    return None


def put_file(name: str, source: IO[bytes]) -> None:
    storage = attachment_storage()
    if storage.exists(name):
        storage.delete(name)
    storage.save(name, File(source))


def put_folder(folder: Path, members: Iterable[tuple[str, IO[bytes]]]) -> None:
    """Write the files to a draft folder, then replace the present ones."""
    draft = folder.with_name(f"{folder.name}.restored")
    shutil.rmtree(draft, ignore_errors=True)
    for name, source in members:
        (draft / name).parent.mkdir(parents=True, exist_ok=True)
        (draft / name).write_bytes(source.read())
    shutil.rmtree(folder, ignore_errors=True)
    if draft.exists():
        draft.rename(folder)


def put_secret(value: bytes) -> None:
    """Restore the key file; a SECRET_KEY from the environment still takes precedence."""
    path = Path(settings.DATA_DIR) / "secret_key"
    draft = path.with_suffix(".restored")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(value)
    draft.replace(path)
