"""Keeps the files of imports until nobody needs them any more."""

import secrets
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from crm.models import Import

TABLES = {".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson"}
DOCUMENTS = {".md", ".markdown", ".html", ".htm", ".txt", ".docx", ".pdf"}
PACKED = {".zip"}
# What the browser's dialogue offers, and what is taken from a folder.
ENDINGS = TABLES | DOCUMENTS | PACKED
KEPT_FOR = timedelta(days=7)
# How long a file may exist before its row is committed.
SETTLED = timedelta(hours=1)


def storage() -> Storage:
    return storages["imports"]


def keep(file: IO[bytes]) -> str:
    """Store the file. Returns its name in the storage."""
    name = secrets.token_hex(16)
    try:
        return str(storage().save(name, File(file)))
    except OSError:
        with suppress(OSError):
            storage().delete(name)
        raise


def path_of(run: Import) -> Path:
    return Path(storage().path(run.file))


def ending(name: str) -> str:
    return PurePath(name).suffix.lower()


def kept(files: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Store files, each a name and an open file. Returns their names and names in the storage.
    Several documents become one ZIP, and so one import: they need no choices of their own."""
    several = list(files)
    documents = [(name, file) for name, file in several if ending(name) in DOCUMENTS]
    if len(documents) < 2:
        return [(name, keep(file)) for name, file in several]
    others = [(name, keep(file)) for name, file in several if ending(name) not in DOCUMENTS]
    return [*others, (f"{documents[0][0]} and {len(documents) - 1} more.zip", packed(documents))]


def packed(documents: Iterable[tuple[str, Any]]) -> str:
    with TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, file in documents:
                known = archive.namelist()
                own = f"{len(known)} {name}" if name in known else name
                with archive.open(own, "w") as member:
                    while chunk := file.read(1 << 20):
                        member.write(chunk)
        target.seek(0)
        return keep(target)


@receiver(post_delete, sender=Import)
def remove_with_its_import(instance: Import, **_: Any) -> None:
    """Imports of several tables share their file."""
    if instance.file and not Import.objects.filter(file=instance.file).exists():
        transaction.on_commit(lambda: storage().delete(instance.file))


def forget() -> int:
    """Remove the files of old imports, and files that belong to none."""
    old = Import.objects.filter(at__lt=timezone.now() - KEPT_FOR).exclude(file="")
    old.filter(state__in=[Import.State.READING, Import.State.ASKING]).update(
        state=Import.State.CANCELLED, reason="Nobody has made the choices within seven days."
    )
    old.exclude(state=Import.State.RUNNING).update(file="", preview={})
    try:
        stored = storage().listdir("")[1]
    except FileNotFoundError:  # Nothing was ever imported.
        return 0
    known = set(Import.objects.exclude(file="").values_list("file", flat=True))
    limit = timezone.now() - SETTLED
    orphans = [n for n in stored if n not in known and storage().get_modified_time(n) < limit]
    for name in orphans:
        storage().delete(name)
    return len(orphans)
