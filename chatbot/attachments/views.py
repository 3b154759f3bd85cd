"""A file, to whoever may read it: as what it is, in a box, and never as a page of ours."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from chatbot.attachments import store
from chatbot.attachments.kinds import BY_TYPE
from chatbot.models import Attachment
from chatbot.people import audit, two_factor

MAY_SEE = "chatbot.view_conversation"
# Whatever a browser takes it for: no script, no plug-in, no origin of ours.
BOXED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}


@require_safe
def attachment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """By a signed link, which customers are sent, or in an agent's session. Whoever may not read
    it is not told that it is there."""
    found = Attachment.objects.select_related("conversation").filter(id=pk).first()
    if found is None or not (by_link(request, found) or by_agent(request, found)):
        raise Http404("There is no such file, or its link has ended.")
    try:
        with found.file.open("rb") as opened:
            return served(found, opened.read())
    except FileNotFoundError:
        raise Http404("This file has been removed.") from None


def by_link(request: HttpRequest, file: Attachment) -> bool:
    return store.link_holds(str(file.id), request.GET.get("key", ""))


def by_agent(request: HttpRequest, file: Attachment) -> bool:
    """What was not sent is its sender's alone."""
    user: Any = request.user
    if not (user.is_active and user.is_staff and user.has_perm(MAY_SEE)):
        return False
    if two_factor.lacks(user, request.session):
        return False
    if file.message_id is None:
        return file.agent_id == user.id
    audit.read(file.conversation, user)
    return True


def served(file: Attachment, data: bytes) -> HttpResponse:
    download = not BY_TYPE[file.type].is_image
    disposition = content_disposition_header(download, file.name)
    return HttpResponse(
        data,
        content_type=file.type,
        headers={**BOXED, "Content-Disposition": disposition or "attachment"},
    )
