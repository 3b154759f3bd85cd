"""The view that serves a file to people who may read it: sandboxed, never as a page of ours."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from chatbot.attachments import store
from chatbot.attachments.kinds import BY_TYPE
from chatbot.models import Attachment
from chatbot.people import audit, two_factor
from chatbot.people.roles import MAY_SEE

# Whatever type a browser guesses, the file gets no script, no plug-in and not our origin.
SANDBOXED = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=3600",
}


@require_safe
def attachment(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Serve a file by a signed link, as customers have it, or in an agent's session. The answer to
    everybody else does not say whether the file exists."""
    file = Attachment.objects.select_related("conversation").filter(id=pk).first()
    by_link = file and store.link_holds(str(file.id), request.GET.get("key", ""))
    if file is None or not (by_link or by_agent(request, file)):
        raise Http404("There is no such file, or its link has expired.")
    try:
        with file.file.open("rb") as opened:
            return served(file, opened.read())
    except FileNotFoundError:
        raise Http404("This file has been removed.") from None


def by_agent(request: HttpRequest, file: Attachment) -> bool:
    """Tell whether an agent may read it; an unsent file is only for the agent who uploaded it."""
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
        headers={**SANDBOXED, "Content-Disposition": disposition or "attachment"},
    )
