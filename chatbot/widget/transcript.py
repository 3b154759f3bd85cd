"""The view that gives customers a copy of their conversation, as a file or by e-mail."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatbot.conversation import mail_links
from chatbot.conversation.mail import mail_transcript, text_of
from chatbot.models import Conversation, Visitor
from chatbot.people import identity
from chatbot.wire import limits
from chatbot.wire.errors import Refused
from crm.plumbing import background
from crm.plumbing.problems import PROBLEM, problem

MAILS_PER_MINUTE = 1
ON_ITS_WAY = "Your copy is on its way to you."
LINK_SENT = "We have sent you a link. Open it within an hour and confirm; then your copy follows."


# Exempt from CSRF checks: the form carries the visitor's token, which no other site has.
@csrf_exempt
@require_POST
def transcript(request: HttpRequest, inbox: str) -> HttpResponse:
    """Return the visitor's last conversation as a file, or mail it to the address in `email`."""
    try:
        visitor = identity.visitor_of(request.POST.get("token", ""), inbox)
        conversation = visitor.conversations.filter(last_seq__gt=0).order_by("-created_at").first()
        if conversation is None:
            raise Http404
        if address := request.POST.get("email", ""):
            return mailed(visitor, conversation, address, request)
    except Refused as refused:
        status = 401 if refused.code in {"unauthorized", "expired"} else 400
        return JsonResponse(problem(status, refused.text), status=status, content_type=PROBLEM)
    name = f"conversation-{conversation.created_at:%Y-%m-%d}.txt"
    return HttpResponse(
        text_of(conversation),
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def mailed(
    visitor: Visitor, conversation: Conversation, address: str, request: HttpRequest
) -> HttpResponse:
    """Mail the copy if the CRM knows the address as theirs; otherwise mail a link to confirm."""
    try:
        validate_email(address)
    except ValidationError:
        raise Refused("invalid", "Please write an address like name@example.com.") from None
    if not settings.EMAIL_HOST:
        raise Refused("unavailable", "E-mails cannot be sent from here. Please save the file.")
    if limits.take("transcript", str(visitor.id), MAILS_PER_MINUTE):
        raise Refused("rate_limited", "You can send one e-mail a minute. Please wait a moment.")
    mail_links.take(address, str(request.META.get("REMOTE_ADDR", "")))
    if mail_links.is_their_own(visitor, address):
        background.later(mail_transcript, str(conversation.id), address)
        return JsonResponse({"status": "on its way", "text": ON_ITS_WAY}, status=202)
    background.later(mail_links.mail_link, str(conversation.id), address, mail_links.TRANSCRIPT)
    return JsonResponse({"status": "link sent", "text": LINK_SENT}, status=202)
