"""Visitors' files: uploaded here, then named in the socket's frame `message`."""

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatbot.api.described import Problem, refused
from chatbot.api.session import check_origin, client_address
from chatbot.attachments import kinds, store
from chatbot.attachments.uploads import STATUS, check_rate, uploaded
from chatbot.conversation import customers
from chatbot.models import Attachment, Visitor
from chatbot.people import identity
from chatbot.wire.errors import Refused
from crm.plumbing.problems import PROBLEM

# One address may upload as much as six visitors: many visitors from one address get no more.
PER_ADDRESS = 6


class Refusal(APIException):
    """A Refused as an exception of the API."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.status_code = STATUS.get(refused.code, status.HTTP_400_BAD_REQUEST)
        self.wait = refused.retry_after


class Upload(serializers.Serializer):
    file = serializers.FileField(help_text="An image (PNG, JPEG, GIF, WebP) or a PDF.")


class AttachmentRow(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=list(kinds.BY_TYPE))
    bytes = serializers.IntegerField()
    url = serializers.CharField(help_text="A link that is valid for the lifetime of a token.")


MEANINGS = {
    400: "There is no file in the form.",
    401: "The visitor's token is missing or not valid.",
    403: "The origin is refused.",
    409: "The conversation has no room for it.",
    413: "The file is too large.",
    415: "This kind of file is not accepted.",
}
MEANT = {(code, PROBLEM): OpenApiResponse(Problem, meaning) for code, meaning in MEANINGS.items()}
NEITHER = refused(404, 405, 406) | {key: MEANT[key] for key in MEANT if key[0] in {401, 403}}


class VisitorAuthentication(BaseAuthentication):
    """Authentication by the session's token, from a page of the inbox."""

    def authenticate(self, request: Request) -> tuple[None, Visitor]:
        words = get_authorization_header(request).decode("latin-1").split()
        if len(words) != 2 or words[0].lower() != "bearer":
            raise AuthenticationFailed("Send the session's token as: Authorization: Bearer …")
        try:
            visitor = identity.visitor_of(words[1])
        except Refused as error:
            raise AuthenticationFailed(error.text) from None
        check_origin(request, visitor.inbox)
        return None, visitor

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class VisitorScheme(OpenApiAuthenticationExtension):
    target_class = VisitorAuthentication
    name = "visitor"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class Attachments(APIView):
    authentication_classes = [VisitorAuthentication]
    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="Upload a file to the visitor's conversation",
        description="Put its id into `attachments` of the socket's frame `message`. A file that "
        "is not sent within a day is deleted.",
        request={"multipart/form-data": Upload},
        responses={201: AttachmentRow, **MEANT, **refused(405, 406, 429)},
    )
    def post(self, request: Request) -> Response:
        try:
            check_rate(f"address {client_address(request)}", PER_ADDRESS)
            check_rate(f"visitor {request.auth.id}")
            name, data = uploaded(request)
            file = store.keep(customers.conversation_of(request.auth), name, data)
        except Refused as error:
            raise Refusal(error) from None
        return Response(store.with_link(store.described(file)), status.HTTP_201_CREATED)


class OneAttachment(APIView):
    authentication_classes = [VisitorAuthentication]

    @extend_schema(
        summary="Get a file's description with a new link",
        responses={200: AttachmentRow, **NEITHER},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        file = self.of_visitor(request, pk)
        return Response(store.with_link(store.described(file)))

    @extend_schema(
        summary="Delete a file that was not sent",
        responses={204: None, **NEITHER},
    )
    def delete(self, request: Request, pk: UUID) -> Response:
        file = self.of_visitor(request, pk)
        if file.message_id or file.agent_id:
            raise Http404(f"There is no unsent file {pk}.")
        file.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def of_visitor(self, request: Request, pk: UUID) -> Attachment:
        """Return a file of the visitor's conversation, but not an agent's file that is unsent."""
        theirs = Attachment.objects.filter(conversation__visitor=request.auth, id=pk)
        file = theirs.exclude(message=None, agent__isnull=False).first()
        if file is None:
            raise Http404(f"There is no file {pk}.")
        return file
