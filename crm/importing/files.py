"""Keeps the files of imports until nobody needs them any more."""

import secrets
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from typing import IO, Any

from django.core.files.base import File
from django.core.files.storage import Storage, storages
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from crm.models import Import

TABLES = {".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson"}
DOCUMENTS = {".md", ".markdown", ".html", ".htm", ".txt", ".docx", ".pdf"}
PACKED = {".zip"}
# The browser's dialogue offers these files, and these are taken from a folder.
ENDINGS = TABLES | DOCUMENTS | PACKED
# How long a file waits for somebody's choices.
KEPT_FOR = timedelta(days=7)
# How long a file may exist before its row is committed.
SETTLED = timedelta(hours=1)
# Opens a file: a folder may hold more than a process may have open.
Open = Callable[[], Any]


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


def kept(given: Iterable[tuple[str, Open]]) -> list[tuple[str, str]]:
    """Store files, each a name and what opens it. Returns their names and names in the storage.
    Several documents become one ZIP, and so one import: they need no choices of their own."""
    several = list(given)
    documents = [(name, opens) for name, opens in several if ending(name) in DOCUMENTS]
    if len(documents) < 2:
        return [(name, kept_one(opens)) for name, opens in several]
    others = [(name, kept_one(opens)) for name, opens in several if ending(name) not in DOCUMENTS]
    return [*others, (f"{len(documents)} documents", packed(documents))]


def kept_one(opens: Open) -> str:
    with opens() as file:
        return keep(file)


def packed(documents: Iterable[tuple[str, Open]]) -> str:
    with TemporaryFile() as target:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for number, (name, opens) in enumerate(documents):
                own = f"{number} {name}" if name in archive.NameToInfo else name
                with opens() as file, archive.open(own, "w") as member:
                    while chunk := file.read(1 << 20):
                        member.write(chunk)
        target.seek(0)
        return keep(target)


def waiting(file: str) -> QuerySet[Import]:
    """Select the imports that still need a file: those of several tables share one."""
    return Import.objects.filter(file=file, finished_at=None)


def release(file: str) -> None:
    """Remove the file, which holds customers' rows, once no import needs it."""
    if file and not waiting(file).exists():
        storage().delete(file)


@receiver(post_delete, sender=Import)
def remove_with_its_import(instance: Import, **_: Any) -> None:
    transaction.on_commit(lambda: release(instance.file))


def forget() -> int:
    """Cancel old imports that wait for choices, and remove the files that no import needs."""
    old = Import.objects.filter(at__lt=timezone.now() - KEPT_FOR, finished_at=None)
    old.filter(state__in=[Import.State.READING, Import.State.ASKING]).update(
        state=Import.State.CANCELLED,
        reason="Nobody made the choices within seven days. Upload the file again.",
        preview={},
        finished_at=timezone.now(),
    )
    try:
        stored = storage().listdir("")[1]
    except FileNotFoundError:  # Nothing was ever imported.
        return 0
    needed = set(Import.objects.filter(finished_at=None).values_list("file", flat=True))
    limit = timezone.now() - SETTLED
    orphans = [n for n in stored if n not in needed and storage().get_modified_time(n) < limit]
    for name in orphans:
        storage().delete(name)
    return len(orphans)
