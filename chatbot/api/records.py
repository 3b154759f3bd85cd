"""Records and customers."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.api.described import IDEMPOTENCY, REFUSALS, WRITING
from chatbot.api.idempotency import once
from chatbot.api.keys import Keyed
from chatbot.api.pages import ById
from chatbot.api.parameters import customer, text
from crm.ids.aliases import root_of
from crm.knowledge import records
from crm.models import Customer, Record

MOST = 500


class RecordRow(serializers.ModelSerializer):
    customer = serializers.CharField(source="customer_id", allow_null=True)

    class Meta:
        model = Record
        fields = ["id", "kind", "customer", "title", "text", "fields", "address"]
        fields += ["updated_at", "deleted"]

    # Repeated for mypy: the record's column `fields` hides the serializer's own.
    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        return fields


class Upsert(serializers.Serializer):
    """Why a row was refused; in the order of the rows."""

    row = serializers.IntegerField(help_text="Counted from 0.")
    error = serializers.CharField(help_text="Which field, and what it should be.")


class Note(serializers.Serializer):
    """What was cut or corrected in a row that was stored."""

    row = serializers.IntegerField(help_text="Counted from 0.")
    note = serializers.CharField()


class Upserted(serializers.Serializer):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    stale = serializers.IntegerField(help_text="A newer update was stored already.")
    errors = Upsert(many=True)
    notes = Note(many=True)


class Records(Keyed, ListAPIView):
    scopes = {"GET": "records:read", "POST": "records:write"}
    serializer_class = RecordRow
    pagination_class = ById

    def get_queryset(self) -> QuerySet[Record]:
        given = {"customer": customer(self.request), "kind": text(self.request, "kind")}
        wanted = {column: value for column, value in given.items() if value}
        return Record.objects.filter(deleted=False, **wanted)

    @extend_schema(
        summary="List records",
        parameters=[OpenApiParameter("customer", str), OpenApiParameter("kind", str)],
        responses={200: RecordRow(many=True), **REFUSALS},
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Upsert up to 500 records",
        description="Valid rows are stored even if others are not valid; `errors` names those.",
        request=RecordRow(many=True),
        parameters=[IDEMPOTENCY],
        responses={200: Upserted, **WRITING},
    )
    def post(self, request: Request) -> Response:
        return once(request, lambda: self.upsert(request.data))

    def upsert(self, rows: Any) -> Response:
        if not isinstance(rows, list) or not 1 <= len(rows) <= MOST:
            raise ValidationError({"body": f"Send a list of 1 to {MOST} records."})
        report = records.import_records(rows)
        errors = [{"row": number - 1, "error": error} for number, error in report.errors]
        counts = {
            name: getattr(report, name) for name in ("created", "updated", "unchanged", "stale")
        }
        notes = [{"row": number - 1, "note": note} for number, note in report.notes]
        return Response({**counts, "errors": errors, "notes": notes})


class OneRecord(Keyed, RetrieveAPIView):
    scopes = {"GET": "records:read", "DELETE": "records:write"}
    serializer_class = RecordRow
    queryset = Record.objects.filter(deleted=False)

    @extend_schema(summary="Get a record", responses={200: RecordRow, **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Delete a record",
        description="No answer uses it any more; an older update does not restore it.",
        responses={204: None, **REFUSALS},
    )
    def delete(self, request: Request, pk: str) -> Response:
        record = self.get_queryset().filter(pk=pk).first()
        if record is None:
            raise Http404(f"There is no record {pk!r}.")
        if pk.startswith(records.ARTICLES):
            raise PermissionDenied("Articles are written in Attune. Archive it in the admin.")
        # The CRM's clock may be ahead; the deletion must be later than the last update.
        latest = record.updated_at + timedelta(microseconds=1)
        records.delete(pk, max(timezone.now(), latest))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CustomerRow(serializers.ModelSerializer):
    aliases = serializers.SlugRelatedField(
        "id",
        source="merged",
        many=True,
        read_only=True,
        help_text="Ids that were merged into this one.",
    )

    class Meta:
        model = Customer
        fields = ["id", "name", "aliases"]


class Customers(Keyed, ListAPIView):
    scopes = {"GET": "records:read"}
    serializer_class = CustomerRow
    pagination_class = ById
    queryset = Customer.objects.filter(erased_at=None, merged_into=None).prefetch_related("merged")

    @extend_schema(summary="List customers", responses={200: CustomerRow(many=True), **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class OneCustomer(Keyed, RetrieveAPIView):
    scopes = {"GET": "records:read"}
    serializer_class = CustomerRow
    queryset = Customers.queryset

    def get_object(self) -> Customer:
        """Find the customer by any of their ids."""
        self.kwargs["pk"] = root_of(self.kwargs["pk"])
        customer: Customer = super().get_object()
        return customer

    @extend_schema(summary="Get a customer", responses={200: CustomerRow, **REFUSALS})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
