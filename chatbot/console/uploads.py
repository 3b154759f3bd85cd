"""Agents' files: uploaded here, then named in the socket's frame `message`."""

from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from chatbot.attachments import store
from chatbot.attachments.uploads import STATUS, check_rate, uploaded
from chatbot.console.view import with_address
from chatbot.conversation import agents
from chatbot.models import Conversation
from chatbot.people.roles import MAY_ACT
from chatbot.wire.errors import Refused
from crm.plumbing.problems import PROBLEM, problem


@require_POST
def upload(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Store an agent's file. The admin has checked the log-in."""
    agent = request.user
    if not isinstance(agent, User) or not agent.has_perm(MAY_ACT):
        raise PermissionDenied
    conversation = get_object_or_404(Conversation, id=pk)
    try:
        check_rate(f"agent {agent.id}")
        with transaction.atomic():
            agents.owned(conversation, agent)
        file = store.keep(conversation, *uploaded(request), agent)
    except Refused as refused:
        status = STATUS.get(refused.code, 400)
        return JsonResponse(problem(status, refused.text), status=status, content_type=PROBLEM)
    return JsonResponse(with_address(store.described(file)), status=201)
