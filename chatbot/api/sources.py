"""Webhook sources, managed by programs."""

import json
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.api.described import IDEMPOTENCY, REFUSALS, WRITING
from chatbot.api.endpoints import Secret, secret_of
from chatbot.api.fields import StrictModelSerializer, Text, TrueOrFalse
from chatbot.api.idempotency import once
from chatbot.api.keys import Keyed
from chatbot.api.pages import ById
from crm import dialects, signing
from crm.dialects import PayloadError
from crm.ids import namespaces
from crm.inbound import apply, reception
from crm.management.sources import address
from crm.models import Source

LONGEST_SECRET = 500


class SourceRow(StrictModelSerializer):
    dialect = serializers.ChoiceField(dialects.names(), default="attune")
    mapping = serializers.DictField(
        required=False,
        help_text="For the generic dialect: a JSONPath for each field of a record. For salesforce, "
        'hubspot and chatwoot: {"public": {object: [fields]}}, the fields that customers may read '
        "in addition to the usual ones.",
    )
    url = serializers.SerializerMethodField(help_text="The address for its events.")
    namespace = serializers.CharField(
        read_only=True,
        help_text="The prefix of all its ids, as in zd/501; blank: its ids are the company's own.",
    )

    class Meta:
        model = Source
        fields = ["name", "dialect", "mapping", "active", "url", "namespace"]

    def get_url(self, source: Source) -> str:
        return address(source)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        source = self.instance or Source(dialect="attune", mapping={})
        dialect = given.get("dialect", source.dialect)
        try:
            dialects.check_mapping(dialect, given.get("mapping", source.mapping))
        except ValueError as error:
            raise ValidationError({"mapping": str(error)}) from None
        return given


class SourceChange(SourceRow):
    """A source's changeable fields. Its name is fixed: it is part of the address in the other
    system."""

    class Meta(SourceRow.Meta):
        read_only_fields = ["name"]


class GivenSecret(serializers.Serializer):
    secret = Text(
        max_length=LONGEST_SECRET,
        required=False,
        help_text="The other system's secret, if it has made one; otherwise Attune makes one.",
    )


class NewSource(SourceRow):
    own_ids = TrueOrFalse(
        default=None,
        allow_null=True,
        write_only=True,
        help_text="true: its ids are the company's own. false: its name is their namespace. null: "
        "true for the attune dialect, false for every other.",
    )
    secret = Text(
        max_length=LONGEST_SECRET,
        required=False,
        write_only=True,
        help_text="The other system's secret, if it has made one; otherwise Attune makes one.",
    )

    class Meta(SourceRow.Meta):
        fields = [*SourceRow.Meta.fields, "own_ids", "secret"]


class SourceWithSecret(SourceRow):
    secret = serializers.CharField(read_only=True, help_text="Shown in this answer only.")

    class Meta(SourceRow.Meta):
        fields = [*SourceRow.Meta.fields, "secret"]


class Told(serializers.Serializer):
    type = serializers.ChoiceField(list(apply.TYPES))
    data = serializers.DictField()


class Tried(serializers.Serializer):
    changes = Told(many=True)


class Sources(Keyed, ListAPIView):
    scopes = {"GET": "webhooks:read", "POST": "webhooks:write"}
    serializer_class = SourceRow
    pagination_class = ById
    queryset = Source.objects.all()

    @extend_schema(summary="List sources", responses={200: SourceRow(many=True), **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Add a source",
        request=NewSource,
        parameters=[IDEMPOTENCY],
        responses={201: SourceWithSecret, **WRITING},
    )
    def post(self, request: Request) -> Response:
        return once(request, lambda: self.create(request.data))

    def create(self, data: Any) -> Response:
        form = NewSource(data=data)
        form.is_valid(raise_exception=True)
        row = form.validated_data
        secret, own = row.pop("secret", ""), row.pop("own_ids")
        space = namespaces.for_new_source(row["name"], row["dialect"], own)
        source = form.save(secrets=signing.rotated([], secret), namespace=space)
        return Response(SourceRow(source).data | secret_of(source), status.HTTP_201_CREATED)


class OneSource(Keyed, RetrieveAPIView):
    scopes = {"GET": "webhooks:read", "PATCH": "webhooks:write", "DELETE": "webhooks:write"}
    serializer_class = SourceRow
    queryset = Source.objects.all()
    lookup_field = "name"

    @extend_schema(summary="Get a source", responses={200: SourceRow, **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Change a source",
        description='`{"active": false}` pauses it: its events are refused.',
        request=SourceChange,
        responses={200: SourceRow, **WRITING},
    )
    def patch(self, request: Request, name: str) -> Response:
        source = self.get_object()
        before, form = source.dialect, SourceChange(source, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        if form.save().dialect != before:
            namespaces.keep_apart(source)
        return Response(form.data)

    @extend_schema(
        summary="Delete a source",
        description="Its events are deleted too; the records that it sent stay.",
        responses={204: None, **REFUSALS},
    )
    def delete(self, request: Request, name: str) -> Response:
        apply.remove(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class SourceSecret(Keyed, GenericAPIView):
    scopes = {"POST": "webhooks:write"}
    queryset = Source.objects.all()
    lookup_field = "name"

    @extend_schema(
        summary="Give a source a new secret",
        description="The old secret stays valid for a day.",
        request=GivenSecret,
        parameters=[IDEMPOTENCY],
        responses={200: Secret, **WRITING},
    )
    def post(self, request: Request, name: str) -> Response:
        return once(request, lambda: self.rotate(request.data))

    def rotate(self, data: Any) -> Response:
        form = GivenSecret(data=data)
        form.is_valid(raise_exception=True)
        source = self.get_object()
        source.secrets = signing.rotated(source.secrets, form.validated_data.get("secret", ""))
        source.save(update_fields=["secrets"])
        return Response(secret_of(source))


class SourceTest(Keyed, GenericAPIView):
    scopes = {"POST": "webhooks:read"}
    queryset = Source.objects.all()
    lookup_field = "name"

    @extend_schema(
        summary="Try out a payload",
        description="The answer lists what it would change, or the wrong field. Nothing is stored.",
        request={"application/json": OpenApiTypes.ANY},
        responses={200: Tried, **WRITING},
    )
    def post(self, request: Request, name: str) -> Response:
        source, body = self.get_object(), json.dumps(request.data)
        try:
            changes = reception.preview(
                source.dialect, source.mapping, body.encode(), source.namespace
            )
        except PayloadError as error:
            raise ValidationError({error.field: [error.reason]}) from None
        rows = [{"type": change.type, "data": change.data} for change in changes]
        return Response({"changes": rows})
