"""Read access to conversations and their messages."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.api.described import COUNT, REFUSALS
from chatbot.api.keys import Keyed
from chatbot.api.pages import BySeq, NewestFirst
from chatbot.api.parameters import customer, moment, number, one_of, text
from chatbot.models import Conversation, Message
from chatbot.people import audit

COLUMNS = [
    "id",
    "inbox",
    "customer",
    "state",
    "agent",
    "mood",
    "alert",
    "alert_quote",
    "last_seq",
    "csat",
]


class ConversationRow(serializers.ModelSerializer):
    inbox = serializers.CharField(source="visitor.inbox.key")
    customer = serializers.CharField(source="visitor.customer_id", allow_null=True)
    agent = serializers.CharField(source="agent.username", allow_null=True, default=None)

    class Meta:
        model = Conversation
        fields = [*COLUMNS, "created_at", "closed_at", "last_message_at"]


class AttachmentNamed(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.CharField()
    bytes = serializers.IntegerField()


class MessageRow(serializers.ModelSerializer):
    sources = serializers.SerializerMethodField()
    attachments = serializers.ListField(child=AttachmentNamed())

    class Meta:
        model = Message
        fields = ["seq", "author", "text", "at", "label", "score", "confidence", "sources"]
        fields += ["attachments"]
        extra_kwargs = {"label": {"allow_blank": True}}

    def get_sources(self, message: Message) -> list[str]:
        return [str(row["id"]) for row in message.citations]


def spoken() -> QuerySet[Conversation]:
    conversations = Conversation.objects.filter(last_seq__gt=0)
    return conversations.select_related("visitor__inbox", "agent")


class Conversations(Keyed, ListAPIView):
    scopes = {"GET": "conversations:read"}
    serializer_class = ConversationRow
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Conversation]:
        given = {
            "visitor__inbox__key": text(self.request, "inbox"),
            "visitor__customer": customer(self.request),
            "state": one_of(self.request, "state", Conversation.State.values),
            "last_message_at__gte": moment(self.request, "since"),
        }
        return spoken().filter(**{column: value for column, value in given.items() if value})

    @extend_schema(
        summary="List conversations, the newest first",
        parameters=[
            OpenApiParameter("inbox", str),
            OpenApiParameter("customer", str),
            OpenApiParameter("state", str, enum=Conversation.State.values),
            OpenApiParameter(
                "since", OpenApiTypes.DATETIME, description="With a message since this time."
            ),
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

    @extend_schema(summary="Get a conversation", responses={200: ConversationRow, **REFUSALS})
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
        conversation = spoken().filter(pk=id).first()
        if conversation is None:
            raise Http404(f"There is no conversation {id}.")
        audit.read_by_key(conversation, self.request.auth)
        after = number(self.request, "after") or 0
        return Message.objects.filter(conversation=id, seq__gt=after)

    @extend_schema(
        summary="List a conversation's messages, by number",
        parameters=[OpenApiParameter("after", COUNT, description="Messages after this number.")],
        responses={200: MessageRow(many=True), **REFUSALS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
