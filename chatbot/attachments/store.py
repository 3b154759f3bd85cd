"""The life of a file: it is uploaded, attached to a message, and removed.

A row takes part in database transactions, a file does not. So the file is written before its row
and removed after it, and a sweep removes files that a process left behind when it died in between.
"""

import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone

from chatbot.attachments import kinds, names
from chatbot.models import Attachment, Conversation, Message, attachment_storage
from chatbot.wire.errors import Refused

logger = logging.getLogger("attune.attachments")
SIGNER = signing.TimestampSigner(salt="attune.attachment")
UNSENT_FOR = timedelta(hours=24)
# How long a file may exist before its row is committed.
SETTLED = timedelta(hours=1)


def keep(
    conversation: Conversation, name: str, data: bytes, agent: User | None = None
) -> Attachment:
    """Store a file that belongs to no message yet. Refused says to the sender why not."""
    kinds.check_size(len(data))
    kind, clean = kinds.recognised(data)
    check_room(conversation, len(clean))
    path = save_file(clean)
    with transaction.atomic():
        # Locked: two concurrent uploads must not both get the last space.
        Conversation.objects.select_for_update().get(id=conversation.id)
        check_room(conversation, len(clean))
        return Attachment.objects.create(
            conversation=conversation,
            agent=agent,
            file=path,
            name=names.safe(name, kind),
            type=kind.type,
            size=len(clean),
        )


def save_file(data: bytes) -> str:
    """Return the file's path. If the disk is full, remove the half-written file."""
    storage, name = attachment_storage(), secrets.token_hex(16)
    try:
        return str(storage.save(name, ContentFile(data)))
    except OSError:
        with suppress(OSError):
            storage.delete(name)
        raise


def check_room(conversation: Conversation, more: int) -> None:
    used = Attachment.objects.filter(conversation=conversation).aggregate(all=Sum("size"))["all"]
    if (used or 0) + more > settings.CONVERSATION_MAX_BYTES:
        most = kinds.size(settings.CONVERSATION_MAX_BYTES)
        raise Refused("full", f"The files of a conversation may have {most} in total.")


def claim(conversation: Conversation, ids: Sequence[str], agent: User | None) -> list[Attachment]:
    """Return unsent files for a new message, of this agent or, without one, of the customer. The
    conversation must be locked."""
    free = Attachment.objects.select_for_update().filter(
        conversation=conversation, agent=agent, message=None
    )
    wanted = [UUID(id) for id in ids]  # A UUID can be written in several ways.
    files = free.in_bulk(wanted) if wanted else {}
    if len(files) < len(wanted):
        raise Refused("not_found", "A file is no longer there. Please attach it again.")
    return [files[id] for id in wanted]


def bind(message: Message, files: Sequence[Attachment]) -> None:
    Attachment.objects.filter(id__in=[file.id for file in files]).update(message=message)


def described(file: Attachment) -> dict[str, Any]:
    return {"id": str(file.id), "name": file.name, "type": file.type, "bytes": file.size}


# --- links


def with_link(description: dict[str, Any]) -> dict[str, Any]:
    return description | {"url": link(description["id"])}


def link(id: str) -> str:
    """Make a link that gives read access to this one file for the lifetime of a visitor's token."""
    _, key = SIGNER.sign(id).split(":", 1)
    return f"{reverse('attachment', args=[id])}?key={key}"


def link_holds(id: str, key: str) -> bool:
    try:
        SIGNER.unsign(f"{id}:{key}", max_age=settings.TOKEN_LIFETIME)
    except signing.BadSignature:
        return False
    return True


# --- forgetting


def remove_file(path: str) -> None:
    """Remove a file as soon as the deletion of its row is committed."""

    def remove() -> None:
        try:
            attachment_storage().delete(path)
        except OSError as error:
            logger.warning("a file was not removed, the next sweep tries again: %s", error)

    transaction.on_commit(remove)


def forget() -> dict[str, int]:
    """Remove uploads that were never sent, and files without a row: {"unsent", "files"}."""
    return {"unsent": forget_unsent(), "files": sweep()}


def forget_unsent() -> int:
    with transaction.atomic():
        # Locked: an upload that a message takes at this moment is kept.
        old = Attachment.objects.select_for_update().filter(
            message=None, created_at__lt=timezone.now() - UNSENT_FOR
        )
        ids = [file.id for file in old]
        return Attachment.objects.filter(id__in=ids).delete()[0]


def sweep() -> int:
    storage = attachment_storage()
    try:
        stored = set(storage.listdir("")[1])
    except FileNotFoundError:  # No file was ever stored.
        return 0
    known = set(Attachment.objects.values_list("file", flat=True))
    limit = timezone.now() - SETTLED
    orphans = [name for name in stored - known if storage.get_modified_time(name) < limit]
    for name in orphans:
        storage.delete(name)
    return len(orphans)
