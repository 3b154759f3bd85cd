"""Imports what lies in a plan's place, a folder or an address, if it has changed since."""

import hashlib
import os
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from io import BytesIO
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from crm.importing import files, runs
from crm.importing.formats import limits
from crm.models import Import, ImportPlan
from crm.plumbing import fetching
from crm.plumbing.fetching import NotFetched

# More files are no folder for imports.
MOST_FILES = limits.FILES
# Endings for files at addresses whose names have none.
TYPES = {
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/zip": ".zip",
    "application/pdf": ".pdf",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
}


class PlaceRefused(Exception):
    """The message is a sentence to the person who has written the place."""


def due() -> list[ImportPlan]:
    """Return the plans whose place should be looked at now."""
    scheduled = ImportPlan.objects.filter(every_hours__gt=0).exclude(place="")
    return [plan for plan in scheduled if plan.looked_at is None or plan.looked_at <= before(plan)]


def before(plan: ImportPlan) -> datetime:
    return timezone.now() - timedelta(hours=plan.every_hours)


def look(id: int, again: bool = False) -> list[Import]:
    """Import the files that are new or have changed, unless another worker has just looked.

    again: all files, now.
    """
    plan = ImportPlan.objects.filter(pk=id).first()
    if plan is None:
        return []
    if not again:
        mine = Q(looked_at=None) | Q(looked_at__lte=before(plan))
        if not ImportPlan.objects.filter(mine, pk=id).update(looked_at=timezone.now()):
            return []
    try:
        return taken(plan, again)
    except (PlaceRefused, OSError) as error:
        gone = isinstance(error, OSError)
        reason = f"{plan.place} cannot be read: {error}." if gone else str(error)
        failed = Import.objects.create(
            plan=plan, name=plan.place[:300], state=Import.State.FAILED, reason=reason[:500],
            finished_at=timezone.now(),
        )  # fmt: skip
        return [failed]


def taken(plan: ImportPlan, again: bool) -> list[Import]:
    """Start an import of each file, and one of all documents together."""
    seen = {} if again else plan.seen
    given, digests = list(found(plan)), {}
    for name, opens in given:
        with opens() as file:
            digests[name] = digest_of(file)
    documents = [pair for pair in given if files.ending(pair[0]) in files.DOCUMENTS]
    changed = [pair for pair in given if seen.get(pair[0]) != digests[pair[0]]]
    if any(pair in documents for pair in changed):
        # All of them: otherwise those that have not changed would seem to have vanished.
        changed = [pair for pair in changed if pair not in documents] + documents
    kept = files.kept(changed)
    now_seen = plan.seen | digests
    ImportPlan.objects.filter(pk=plan.pk).update(seen=now_seen, looked_at=timezone.now())
    return [runs.start(name, file, plan=plan) for name, file in kept]


def found(plan: ImportPlan) -> Iterator[tuple[str, files.Open]]:
    """Yield the files at the plan's place and what opens each, the oldest first. Raises
    PlaceRefused."""
    if is_address(plan.place):
        name, content = fetched(plan.place)
        yield name, partial(BytesIO, content)
        return
    root = folder(plan.place)
    paths = sorted(walked(root), key=lambda path: (path.stat().st_mtime, path))
    tables = [path for path in paths if files.ending(path.name) not in files.DOCUMENTS]
    if plan.remove_missing:  # Each table is the whole truth: only the newest counts.
        paths = [path for path in paths if path not in tables[:-1]]
    if len(paths) > MOST_FILES:
        raise PlaceRefused(f"{plan.place} holds more than {MOST_FILES:,} files. Use more plans.")
    for path in paths:
        yield str(path.relative_to(root)), partial(opened, path)


def digest_of(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def fetched(address: str) -> tuple[str, bytes]:
    """Return the file at an address, with a name that tells what it is. Raises PlaceRefused."""
    try:
        answer = fetching.fetch(address, most=limits.FILE)
    except NotFetched as error:
        raise PlaceRefused(f"{address} {error}.") from None
    if answer.status != HTTPStatus.OK:
        raise PlaceRefused(f"{address} answered {answer.status} instead of a file.")
    name = PurePath(unquote(urlsplit(address).path)).name or "file"
    if files.ending(name) not in files.ENDINGS:
        name += TYPES.get(answer.kind, "")
    return name, answer.body


def folder(place: str) -> Path:
    """Return the real folder, which must be one of KNOWLEDGE_FOLDERS or lie in one."""
    path = Path(place.removeprefix("file://"))
    try:
        real = path.resolve()
    except (OSError, ValueError, RuntimeError):
        raise PlaceRefused(f"There is no folder {place}.") from None
    allowed = [Path(each).resolve() for each in settings.KNOWLEDGE_FOLDERS]
    # Before anything is said of what is there: people in the admin are not to explore the server.
    if not path.is_absolute() or not any(real.is_relative_to(root) for root in allowed):
        raise PlaceRefused(
            f"{place} is not in a folder that the setting KNOWLEDGE_FOLDERS lists. Ask "
            "the people who run Attune to add it."
        )
    if not real.is_dir():
        raise PlaceRefused(f"There is no folder {place}.")
    return real


def walked(root: Path) -> Iterator[Path]:
    """Yield the files in the folder and its folders. No link is followed: it may lead out."""
    for place, folders, names in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            hidden = name.startswith((".", "~"))
            if files.ending(name) in files.ENDINGS and not hidden and not path.is_symlink():
                yield path


def opened(path: Path) -> BinaryIO:
    """Open a plain file; what has become a link or a pipe meanwhile is refused."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise PlaceRefused(f"{path} cannot be read: {error.strerror}.") from None
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise PlaceRefused(f"{path} is not a plain file.")
    return file


def check(place: str) -> None:
    """Raise ValidationError if plans may not import from the place."""
    try:
        if is_address(place):
            fetching.allowed(place)
        else:
            folder(place)
    except PlaceRefused as error:
        raise ValidationError(str(error)) from None
    except NotFetched as error:
        raise ValidationError(f"{place} {error}") from None
