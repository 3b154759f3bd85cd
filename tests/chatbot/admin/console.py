"""What the tests of the agents' console say and read."""

import re
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chatbot.models import Conversation, Inbox, Message, Reply, Visitor
from crm.models import Customer, Record

LIST = "/admin/chatbot/conversation/"
SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"


def staff(client: Client, name: str, *permissions: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def talk(
    inbox: Inbox, *scores: float, customer: Customer | None = None, **fields: Any
) -> Conversation:
    """A conversation in which the customer wrote one message for each score."""
    visitor = Visitor.objects.create(inbox=inbox, customer=customer)
    known = {"mood": scores[-1] if scores else None, "scores": list(scores)[-20:]}
    fields = known | {"last_seq": len(scores)} | fields
    conversation = Conversation.objects.create(visitor=visitor, **fields)
    for seq, score in enumerate(scores, start=1):
        say(conversation, seq, "customer", f"Sentence {seq}", score=score)
    return conversation


def say(conversation: Conversation, seq: int, author: str, text: str, **fields: Any) -> Message:
    if author == "customer":
        fields = {"label": "negative", "score": -0.4, "confidence": 0.91} | fields
    message = Message.objects.create(
        conversation=conversation, seq=seq, author=author, text=text, **fields
    )
    Conversation.objects.filter(id=conversation.id).update(last_seq=seq)
    return message


def answer(conversation: Conversation, text: str, question: str, **trace: Any) -> Message:
    asked = say(conversation, 1, "customer", question)
    cited = [{"id": row["id"], "title": row["title"]} for row in trace.get("passages", [])]
    said = say(conversation, 2, "bot", text, citations=cited)
    Reply.objects.create(
        conversation=conversation, question=asked, answer=said, status="done", **trace
    )
    return said


def record(key: str, title: str, customer: Customer | None = None, **fields: Any) -> Record:
    fields = {"updated_at": timezone.now(), "kind": "order"} | fields
    return Record.objects.create(id=key, title=title, customer=customer, **fields)


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, f"{url} answered {response.status_code}"
    return response.content.decode()


def page_of(conversation: Conversation) -> str:
    return reverse("admin:chatbot_conversation_change", args=[conversation.id])


def rows(html: str) -> list[str]:
    return re.findall(r'<tr class="data-row.*?</tr>', html, re.S)
