"""A visitor's session: anonymous, or for a customer for whom their site vouches."""

from typing import Any

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatbot.api.described import refused
from chatbot.api.fields import Text
from chatbot.models import Inbox, Visitor
from chatbot.people import identity
from chatbot.wire import limits


class SessionRequest(serializers.Serializer):
    identity = Text(
        required=False,
        allow_null=True,
        max_length=4096,
        help_text="JWT made by your site's server: HS256 with the inbox's secret, sub = CRM "
        "customer id, aud = inbox key, exp at most 10 minutes ahead.",
    )
    token = Text(
        required=False,
        allow_null=True,
        max_length=4096,
        help_text="An anonymous visitor's previous token, to continue the conversation.",
    )


class SessionResponse(serializers.Serializer):
    token = serializers.CharField(help_text='Send it in the "hello" frame of the socket.')
    expires_at = serializers.DateTimeField()
    socket = serializers.CharField(help_text="The websocket's address.")


class Session(APIView):
    @extend_schema(
        summary="Start or renew a visitor's session",
        request=SessionRequest,
        responses={
            200: SessionResponse,
            **refused(400, 403, 404, 405, 406, 413, 415, 429),
        },
    )
    def post(self, request: Request, inbox: str) -> Response:
        row = inbox_or_404(inbox)
        check_origin(request, row)
        wait = limits.take("session", client_address(request), settings.SESSIONS_PER_MINUTE)
        if wait:
            raise Throttled(wait=wait, detail="Too many sessions from this address.")
        visitor = visitor_for(row, request.data)
        token, expires_at = identity.issue(visitor)
        scheme = "wss" if request.is_secure() else "ws"
        socket = f"{scheme}://{request.get_host()}/ws/chat/{row.key}/"
        data = {"token": token, "expires_at": expires_at, "socket": socket}
        return Response(data, headers={"Cache-Control": "no-store"})

    def options(self, request: Request, inbox: str) -> Response:
        check_origin(request, inbox_or_404(inbox))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add CORS headers; the origin was checked before."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if origin := request.headers.get("Origin"):
            response["Vary"] = "Origin"
            if response.status_code != status.HTTP_403_FORBIDDEN:
                response["Access-Control-Allow-Origin"] = origin
                response["Access-Control-Allow-Headers"] = "content-type"
                response["Access-Control-Allow-Methods"] = "POST"
        return response


def inbox_or_404(key: str) -> Inbox:
    inbox = Inbox.objects.filter(key=key).first()
    if inbox is None:
        raise Http404(f"There is no inbox {key!r}.")
    return inbox


def check_origin(request: Request, inbox: Inbox) -> None:
    """Refuse pages of other sites. Browsers send their page's origin; servers send none."""
    origin = request.headers.get("Origin")
    if origin and not identity.origin_allowed(origin, request.get_host(), inbox.origins):
        raise PermissionDenied(f"The origin {origin} is not on the inbox's list.")


def client_address(request: Request) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def visitor_for(inbox: Inbox, data: Any) -> Visitor:
    form = SessionRequest(data=data)
    form.is_valid(raise_exception=True)
    if token := form.validated_data.get("identity"):
        try:
            return identity.identified(inbox, token)
        except identity.IdentityRefused as refused:
            raise PermissionDenied(str(refused)) from None
    return identity.anonymous(inbox, form.validated_data.get("token"))
