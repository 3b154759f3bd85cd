"""Deliveries of events to endpoints: their states, their attempts, and sending them again.

Bodies are left out: they may quote customers, which needs another scope.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatbot.api.described import COUNT, IDEMPOTENCY, REFUSALS, WRITING
from chatbot.api.idempotency import once
from chatbot.api.keys import Keyed
from chatbot.api.pages import ById, Newest
from chatbot.api.parameters import moment, number, one_of
from crm.models import Attempt, Delivery, Endpoint
from crm.outbound import outbox

TYPES = (*outbox.TYPES, outbox.TEST)


class DeliveryRow(serializers.ModelSerializer):
    endpoint = serializers.IntegerField(source="endpoint_id")

    class Meta:
        model = Delivery
        fields = ["id", "endpoint", "event_id", "type", "state", "tries"]
        fields += ["created_at", "next_at", "done_at"]


class AttemptRow(serializers.ModelSerializer):
    request = serializers.DictField(
        child=serializers.CharField(), help_text="The request's headers."
    )
    status = serializers.IntegerField(allow_null=True, help_text="null: no answer; see error.")
    answer = serializers.CharField(help_text="The first thousand bytes of the answer.")

    class Meta:
        model = Attempt
        fields = ["id", "at", "request", "status", "error", "answer", "seconds"]


class Again(serializers.Serializer):
    """Which events to send again."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField(required=False)
    endpoint = serializers.PrimaryKeyRelatedField(
        queryset=Endpoint.objects.all(), required=False, help_text="All endpoints by default."
    )
    state = serializers.ChoiceField(
        ["done", "failed"], required=False, help_text="All states by default."
    )


class Sent(serializers.Serializer):
    count = serializers.IntegerField(help_text="The number of events that will be sent again.")


class Deliveries(Keyed, ListAPIView):
    scopes = {"GET": "webhooks:read"}
    serializer_class = DeliveryRow
    pagination_class = Newest

    def get_queryset(self) -> QuerySet[Delivery]:
        given = {
            "endpoint": number(self.request, "endpoint"),
            "state": one_of(self.request, "state", Delivery.State.values),
            "type": one_of(self.request, "type", TYPES),
            "created_at__gte": moment(self.request, "since"),
            "created_at__lt": moment(self.request, "until"),
        }
        wanted = {name: value for name, value in given.items() if value is not None}
        return Delivery.objects.defer("body").filter(**wanted)

    @extend_schema(
        summary="List deliveries, the newest first",
        parameters=[
            OpenApiParameter("endpoint", COUNT),
            OpenApiParameter("state", str, enum=Delivery.State.values),
            OpenApiParameter("type", str, enum=TYPES),
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
        ],
        responses={200: DeliveryRow(many=True), **REFUSALS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class OneDelivery(Keyed, RetrieveAPIView):
    scopes = {"GET": "webhooks:read"}
    serializer_class = DeliveryRow
    queryset = Delivery.objects.defer("body")

    @extend_schema(summary="Get a delivery", responses={200: DeliveryRow, **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Attempts(Keyed, ListAPIView):
    scopes = {"GET": "webhooks:read"}
    serializer_class = AttemptRow
    pagination_class = ById

    def get_queryset(self) -> QuerySet[Attempt]:
        if getattr(self, "swagger_fake_view", False):
            return Attempt.objects.none()
        id = self.kwargs["pk"]
        if not Delivery.objects.filter(pk=id).exists():
            raise Http404(f"There is no delivery {id}.")
        return Attempt.objects.filter(delivery=id)

    @extend_schema(
        summary="List a delivery's attempts and the answers",
        responses={200: AttemptRow(many=True), **REFUSALS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class Resend(Keyed, GenericAPIView):
    scopes = {"POST": "webhooks:write"}
    queryset = Delivery.objects.defer("body")

    @extend_schema(
        summary="Send one event again",
        description="It keeps its webhook-id; the retry schedule starts anew.",
        request=None,
        parameters=[IDEMPOTENCY],
        responses={202: DeliveryRow, **WRITING},
    )
    def post(self, request: Request, pk: int) -> Response:
        return once(request, self.send)

    def send(self) -> Response:
        delivery = self.get_object()
        outbox.again(Delivery.objects.filter(pk=delivery.pk))
        delivery.refresh_from_db()
        return Response(DeliveryRow(delivery).data, status.HTTP_202_ACCEPTED)


class ResendRange(Keyed, APIView):
    scopes = {"POST": "webhooks:write"}

    @extend_schema(
        operation_id="deliveries_resend_range",
        summary="Send the events of a period again",
        description="Each keeps its webhook-id; the retry schedules start anew.",
        request=Again,
        parameters=[IDEMPOTENCY],
        responses={202: Sent, **WRITING},
    )
    def post(self, request: Request) -> Response:
        return once(request, lambda: self.send(request.data))

    def send(self, data: Any) -> Response:
        form = Again(data=data)
        form.is_valid(raise_exception=True)
        given = {"endpoint": None, "until": None, "state": "", **form.validated_data}
        count = outbox.again(outbox.within(**given))
        return Response({"count": count}, status.HTTP_202_ACCEPTED)
