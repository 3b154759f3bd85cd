"""The life of a file: uploaded, named by a message, forgotten.

A row belongs to the database's transactions, the file does not: it is written before its row and
removed after it, and what a process left behind by dying in between is swept up.
"""

import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
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
# How long a file may lie there before its row is committed.
SETTLED = timedelta(hours=1)


def keep(
    conversation: Conversation, name: str, data: bytes, agent: User | None = None
) -> Attachment:
    """One that no message names yet. Refused with the reason for its sender."""
    kinds.check_size(len(data))
    kind, clean = kinds.recognised(data)
    check_room(conversation, len(clean))
    path = written(clean)
    with transaction.atomic():
        # Two uploads at once do not both get the last room.
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


def written(data: bytes) -> str:
    """The file's name. Half of one, on a full disk, does not stay there."""
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
        raise Refused("full", f"The files of a conversation may have {most} together.")


def claim(conversation: Conversation, ids: Sequence[str], agent: User | None) -> list[Attachment]:
    """Of a locked conversation, for a message of this agent's or, without one, the customer's."""
    free = Attachment.objects.select_for_update().filter(
        conversation=conversation, agent=agent, message=None
    )
    wanted = [UUID(id) for id in ids]  # There are several ways to write one.
    found = free.in_bulk(wanted) if wanted else {}
    if len(found) < len(wanted):
        raise Refused("not_found", "A file is no longer there. Please attach it again.")
    return [found[id] for id in wanted]


def bind(message: Message, files: Sequence[Attachment]) -> None:
    Attachment.objects.filter(id__in=[one.id for one in files]).update(message=message)


def described(file: Attachment) -> dict[str, Any]:
    return {"id": str(file.id), "name": file.name, "type": file.type, "bytes": file.size}


# --- links


def with_link(description: dict[str, Any]) -> dict[str, Any]:
    return description | {"url": link(description["id"])}


def link(id: str) -> str:
    """Whoever has it may read this one file, for as long as a visitor's token lives."""
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
    """Once its row is gone for good."""

    def remove() -> None:
        try:
            attachment_storage().delete(path)
        except OSError as error:
            logger.warning("a file is left for the next sweep: %s", error)

    transaction.on_commit(remove)


def forget() -> dict[str, int]:
    """Uploads that were never sent, and files without a row: {"unsent", "files"}."""
    return {"unsent": forget_unsent(), "files": sweep()}


def forget_unsent() -> int:
    with transaction.atomic():
        # Locked: a message that names one at this moment keeps it.
        old = Attachment.objects.select_for_update().filter(
            message=None, created_at__lt=timezone.now() - UNSENT_FOR
        )
        ids = [one.id for one in old]
        return Attachment.objects.filter(id__in=ids).delete()[0]


def sweep() -> int:
    storage = attachment_storage()
    try:
        lying = set(storage.listdir("")[1])
    except FileNotFoundError:  # Nothing was ever kept.
        return 0
    known = set(Attachment.objects.values_list("file", flat=True))
    orphans = [name for name in lying - known if settled(storage.get_modified_time(name))]
    for name in orphans:
        storage.delete(name)
    return len(orphans)


def settled(at: datetime) -> bool:
    return at < timezone.now() - SETTLED
