"""Conversations and what was said in them, to read."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.api.pages import BySeq, NewestFirst
from chatbot.api.records import REFUSALS, Keyed, plain
from chatbot.models import Conversation, Message

COLUMNS = ["id", "inbox", "customer", "state", "agent", "mood", "alert", "last_seq", "csat"]


class ConversationRow(serializers.ModelSerializer):
    inbox = serializers.CharField(source="visitor.inbox.key")
    customer = serializers.CharField(source="visitor.customer_id", allow_null=True)
    agent = serializers.CharField(source="agent.username", allow_null=True, default=None)

    class Meta:
        model = Conversation
        fields = [*COLUMNS, "created_at", "closed_at", "last_message_at"]


class MessageRow(serializers.ModelSerializer):
    sources = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = ["seq", "author", "text", "at", "label", "score", "confidence", "sources"]
        extra_kwargs = {"label": {"allow_blank": True}}

    def get_sources(self, message: Message) -> list[str]:
        return [str(row["id"]) for row in message.citations]


def spoken() -> QuerySet[Conversation]:
    found = Conversation.objects.filter(last_seq__gt=0)
    return found.select_related("visitor__inbox", "agent")


class Conversations(Keyed, ListAPIView):
    scopes = {"GET": "conversations:read"}
    serializer_class = ConversationRow
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Conversation]:
        names = {"inbox": "visitor__inbox__key", "customer": "visitor__customer", "state": "state"}
        given = {column: plain(self.request, name) for name, column in names.items()}
        found = spoken().filter(**{column: value for column, value in given.items() if value})
        if since := plain(self.request, "since"):
            found = found.filter(last_message_at__gte=moment(since))
        return found

    @extend_schema(
        summary="List conversations, the newest first",
        parameters=[
            OpenApiParameter("inbox", str),
            OpenApiParameter("customer", str),
            OpenApiParameter("state", str, enum=Conversation.State.values),
            OpenApiParameter("since", OpenApiTypes.DATETIME, description="Of the last message."),
        ],
        responses={200: ConversationRow(many=True), **REFUSALS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class OneConversation(Keyed, RetrieveAPIView):
    scopes = {"GET": "conversations:read"}
    serializer_class = ConversationRow

    def get_queryset(self) -> QuerySet[Conversation]:
        return spoken()

    @extend_schema(summary="One conversation", responses={200: ConversationRow, **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Messages(Keyed, ListAPIView):
    scopes = {"GET": "conversations:read"}
    serializer_class = MessageRow
    pagination_class = BySeq

    def get_queryset(self) -> QuerySet[Message]:
        if getattr(self, "swagger_fake_view", False):
            return Message.objects.none()
        id: UUID = self.kwargs["pk"]
        if not spoken().filter(pk=id).exists():
            raise Http404(f"There is no conversation {id}.")
        found = Message.objects.filter(conversation=id)
        after = plain(self.request, "after")
        if after and not (after.isascii() and after.isdigit() and len(after) < 10):
            raise ValidationError({"after": "must be a number"})
        return found.filter(seq__gt=int(after)) if after else found

    @extend_schema(
        summary="What was said, by number",
        parameters=[OpenApiParameter("after", int, description="Messages after this number.")],
        responses={200: MessageRow(many=True), **REFUSALS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


def moment(text: str) -> Any:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValidationError({"since": "must be an ISO 8601 time with its zone"})
    return found
