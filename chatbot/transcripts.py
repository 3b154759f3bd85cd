"""A conversation as text: for the customer to keep, and answers that they are sent."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatbot import identity, limits, mailing
from chatbot.attachments.kinds import size
from chatbot.models import Conversation, Message, Visitor
from chatbot.names import name_of
from chatbot.plain import indented
from chatbot.protocol import Refused
from crm.plumbing import background
from crm.plumbing.problems import PROBLEM, problem

NAMES = {"customer": "You", "bot": "Assistant", "agent": "Colleague", "system": "—"}
MAILS_PER_MINUTE = 1
ON_ITS_WAY = "It is on its way to you."
LINK_SENT = "We have sent you a link. Open it within an hour and confirm, and your copy follows."
GO_ON = "Please go on in the chat on our site: answers to this e-mail are not read there."


def text_of(conversation: Conversation) -> str:
    messages = conversation.messages.order_by("seq").select_related("agent")
    head = (
        f"{conversation.visitor.inbox.name}, {timezone.localtime(conversation.created_at):%d %B %Y}"
    )
    return "\n\n".join([head, *(line(message) for message in messages)]) + "\n"


def line(message: Message) -> str:
    by = name_of(message.agent) if message.agent else NAMES[message.author]
    return f"[{timezone.localtime(message.at):%d %b %Y, %H:%M}] {by}: {indented(said(message))}"


def said(message: Message) -> str:
    files = [f"[{one['name']}, {size(one['bytes'])}]" for one in message.attachments]
    return " ".join([message.text, *files]).strip()


# By the visitor's token in the form, not by a cookie: no other site's page has it.
@csrf_exempt
@require_POST
def transcript(request: HttpRequest, inbox: str) -> HttpResponse:
    """The visitor's last conversation as a file, or to the address in `email`."""
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
    """At once to the address that the CRM knows as theirs; else a link that asks for it first."""
    from chatbot.tasks import mail_link, mail_transcript

    try:
        validate_email(address)
    except ValidationError:
        raise Refused("invalid", "Please write an address like name@example.com.") from None
    if not settings.EMAIL_HOST:
        raise Refused("unavailable", "E-mails cannot be sent from here; please save the file.")
    if limits.take("transcript", str(visitor.id), MAILS_PER_MINUTE):
        raise Refused("rate_limited", "One e-mail a minute: please wait a moment.")
    mailing.take(address, str(request.META.get("REMOTE_ADDR", "")))
    if mailing.is_their_own(visitor, address):
        background.later(mail_transcript, str(conversation.id), address)
        return JsonResponse({"status": "on its way", "text": ON_ITS_WAY}, status=202)
    background.later(mail_link, str(conversation.id), address, mailing.TRANSCRIPT)
    return JsonResponse({"status": "link sent", "text": LINK_SENT}, status=202)


def mail(conversation: Conversation, address: str) -> None:
    name = conversation.visitor.inbox.name
    send_mail(f"Your conversation with {name}", text_of(conversation), None, [address])


def mail_answers(conversation: Conversation, seqs: list[int]) -> None:
    """What agents wrote to a customer who has left an address and is not here to read it."""
    written = conversation.messages.filter(seq__in=seqs).order_by("seq").select_related("agent")
    if not (said := [line(message) for message in written]) or not conversation.contact_email:
        return  # Redacted meanwhile.
    name = conversation.visitor.inbox.name
    text = "\n\n".join([f"{name} has answered you:", *said, GO_ON])
    send_mail(f"{name} has answered you", f"{text}\n", None, [conversation.contact_email])
