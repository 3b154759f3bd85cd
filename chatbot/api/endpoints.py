"""Webhook endpoints, managed by programs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.api.deliveries import DeliveryRow
from chatbot.api.described import IDEMPOTENCY, REFUSALS, WRITING
from chatbot.api.fields import Slug, StrictModelSerializer
from chatbot.api.idempotency import once
from chatbot.api.keys import Keyed
from chatbot.api.pages import ById
from crm import signing
from crm.models import Endpoint
from crm.outbound import outbox
from crm.plumbing import destinations

SETTINGS = ["url", "events", "inboxes", "active", "full", "masked", "ordered", "cloudevents"]


class EndpointRow(StrictModelSerializer):
    events = serializers.ListField(
        child=serializers.ChoiceField(outbox.TYPES), required=False, help_text="[]: all events."
    )
    inboxes = serializers.ListField(
        child=Slug(), required=False, help_text="Inboxes' keys; []: all inboxes."
    )
    trouble = serializers.CharField(
        read_only=True, help_text="Why Attune has switched it off; blank otherwise."
    )

    class Meta:
        model = Endpoint
        fields = ["id", *SETTINGS, "failing_since", "trouble"]
        read_only_fields = ["failing_since"]
        extra_kwargs = {"url": {"help_text": "Its host must be on the operators' list."}}

    def validate_url(self, url: str) -> str:
        try:
            destinations.check(url)
        except (destinations.DestinationRefused, ValueError) as error:
            raise serializers.ValidationError(str(error)) from None
        return url


class Secret(serializers.Serializer):
    secret = serializers.CharField(help_text="Shown in this answer only.")


class EndpointWithSecret(EndpointRow):
    secret = serializers.CharField(read_only=True, help_text="Shown in this answer only.")

    class Meta(EndpointRow.Meta):
        fields = [*EndpointRow.Meta.fields, "secret"]


class Endpoints(Keyed, ListAPIView):
    scopes = {"GET": "webhooks:read", "POST": "webhooks:write"}
    serializer_class = EndpointRow
    pagination_class = ById
    queryset = Endpoint.objects.all()

    @extend_schema(summary="List endpoints", responses={200: EndpointRow(many=True), **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Add an endpoint",
        request=EndpointRow,
        parameters=[IDEMPOTENCY],
        responses={201: EndpointWithSecret, **WRITING},
    )
    def post(self, request: Request) -> Response:
        return once(request, lambda: self.create(request.data))

    def create(self, data: Any) -> Response:
        form = EndpointRow(data=data)
        form.is_valid(raise_exception=True)
        endpoint = form.save(secrets=signing.rotated([]))
        outbox.forget()
        answer = EndpointRow(endpoint).data | secret_of(endpoint)
        return Response(answer, status.HTTP_201_CREATED)


class OneEndpoint(Keyed, RetrieveAPIView):
    scopes = {"GET": "webhooks:read", "PATCH": "webhooks:write", "DELETE": "webhooks:write"}
    serializer_class = EndpointRow
    queryset = Endpoint.objects.all()

    @extend_schema(summary="Get an endpoint", responses={200: EndpointRow, **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Change an endpoint",
        description='`{"active": false}` pauses it: its events wait.',
        request=EndpointRow,
        responses={200: EndpointRow, **WRITING},
    )
    def patch(self, request: Request, pk: int) -> Response:
        form = EndpointRow(self.get_object(), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        on = {"trouble": "", "failing_since": None} if form.validated_data.get("active") else {}
        form.save(**on)
        outbox.forget()
        return Response(form.data)

    @extend_schema(
        summary="Delete an endpoint",
        description="Its deliveries are deleted too, including those that still wait.",
        responses={204: None, **REFUSALS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        outbox.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class EndpointSecret(Keyed, GenericAPIView):
    scopes = {"POST": "webhooks:write"}
    queryset = Endpoint.objects.all()

    @extend_schema(
        summary="Give an endpoint a new secret",
        description="For a day, requests are signed with both secrets.",
        request=None,
        parameters=[IDEMPOTENCY],
        responses={200: Secret, **WRITING},
    )
    def post(self, request: Request, pk: int) -> Response:
        return once(request, self.rotate)

    def rotate(self) -> Response:
        endpoint = self.get_object()
        endpoint.secrets = signing.rotated(endpoint.secrets)
        endpoint.save(update_fields=["secrets"])
        return Response(secret_of(endpoint))


class EndpointTest(Keyed, GenericAPIView):
    scopes = {"POST": "webhooks:write"}
    queryset = Endpoint.objects.all()

    @extend_schema(
        summary="Send an endpoint a test event",
        description="Its delivery shows the endpoint's answer.",
        request=None,
        parameters=[IDEMPOTENCY],
        responses={202: DeliveryRow, **WRITING},
    )
    def post(self, request: Request, pk: int) -> Response:
        return once(request, self.send)

    def send(self) -> Response:
        delivery = outbox.send_test(self.get_object())
        return Response(DeliveryRow(delivery).data, status.HTTP_202_ACCEPTED)


def secret_of(row: Any) -> dict[str, str]:
    return {"secret": row.secrets[0]["secret"]}
