"""Answers the agents' pages when somebody judges an answer of the bot."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from chatbot.models import Conversation, Message
from chatbot.people.roles import MAY_SEE
from chatbot.teaching import cases
from chatbot.wire.errors import Refused


def teacher(request: HttpRequest) -> User:
    user = request.user
    may = user.has_perm(cases.MAY_TEACH) and user.has_perm(MAY_SEE)
    if not isinstance(user, User) or not may:
        raise PermissionDenied
    return user


@require_GET
def records(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Return records that this conversation's customer may see, by the words in `q`."""
    teacher(request)
    related = Conversation.objects.select_related("visitor__inbox")
    query = request.GET.get("q", "").strip()[:200]
    found = cases.offered(query, get_object_or_404(related, id=pk))
    return JsonResponse({"rows": found}, headers={"Cache-Control": "no-store"})


@require_POST
def teach(request: HttpRequest, pk: UUID, seq: int) -> HttpResponse:
    """Keep what was said of an answer, or take it back, and return to it."""
    by = teacher(request)
    message = get_object_or_404(Message, conversation=pk, seq=seq)
    said = {name: request.POST.get(name, "").replace("\x00", "") for name in ("answer", "record")}
    try:
        if verdict := request.POST.get("verdict", ""):
            cases.teach(message, verdict, by, **said)
        else:
            cases.take_back(message)
    except Refused as refused:
        messages.error(request, refused.text)
    page = reverse("admin:chatbot_conversation_change", args=[pk])
    return HttpResponseRedirect(f"{page}#message-{seq}")
