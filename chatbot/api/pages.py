"""Cursor pages: {"items", "next"}, stable while rows are added and deleted."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from django.core.exceptions import ValidationError as Unfit
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from chatbot.api import parameters
from chatbot.api.described import COUNT
from inference.text import unstorable

MOST = 200


class Pages(CursorPagination):
    page_size, max_page_size = 50, MOST
    page_size_query_param = "limit"

    def get_page_size(self, request: Request) -> int:
        limit = parameters.number(request, "limit")
        if limit == 0:
            raise ValidationError({"limit": "must be at least 1"})
        return min(limit or self.page_size, MOST)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        self.model = queryset.model
        return super().paginate_queryset(queryset, request, view)

    def decode_cursor(self, request: Request) -> Any:
        """Refuse a cursor that no page has given, before the database sees it."""
        try:
            check_form(request.query_params.get(self.cursor_query_param))
            cursor = super().decode_cursor(request)
            if cursor and cursor.position is not None:
                check_position(self.model._meta.get_field(self.ordering[0].lstrip("-")), cursor)
        except (NotFound, Unfit, ValueError, OverflowError):
            text = "did not come from a page: start again without it"
            raise ValidationError({self.cursor_query_param: text}) from None
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {"items": schema, "next": link},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        size = next(row for row in rows if row["name"] == self.page_size_query_param)
        size["schema"] = COUNT | {"minimum": 1}
        return rows


def check_form(cursor: str | None) -> None:
    """Accept only an offset, a direction and a position, as Django REST framework writes them."""
    if cursor is not None:
        text = b64decode(cursor.encode("ascii"), validate=True).decode("ascii")
        parts = set(parse_qs(text, strict_parsing=True))
        if not parts or parts - {"o", "r", "p"}:
            raise ValueError


def check_position(field: Any, cursor: Any) -> None:
    value = field.to_python(cursor.position)
    if unstorable(cursor.position):
        raise ValueError
    if isinstance(value, datetime):
        value.astimezone(UTC)


class ById(Pages):
    ordering = "id"


class Newest(Pages):
    ordering = "-id"


class NewestFirst(Pages):
    ordering = ("-last_message_at", "id")


class BySeq(Pages):
    ordering = "seq"
