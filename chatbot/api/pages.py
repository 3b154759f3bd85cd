"""Cursor pages: {"items", "next"}, stable while rows come and go."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

MOST = 200


class Pages(CursorPagination):
    page_size, max_page_size = 50, MOST
    page_size_query_param = "limit"

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"items": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["items", "next"],
            "properties": {"items": schema, "next": link},
        }


class ById(Pages):
    ordering = "id"


class NewestFirst(Pages):
    ordering = ("-last_message_at", "id")


class BySeq(Pages):
    ordering = "seq"
