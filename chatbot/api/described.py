"""Parts of the description at /api/docs that all operations share."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from chatbot.api import parameters
from crm.plumbing.problems import PROBLEM


class Problem(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence that says what to do.")
    errors = serializers.JSONField(required=False, help_text="The errors of each field.")
    retry_after = serializers.FloatField(required=False, help_text="Seconds.")


MEANINGS = {
    400: "The request is not valid: see errors.",
    401: "The key is missing or not valid.",
    403: "The key lacks the scope.",
    404: "It does not exist.",
    405: "Use another method: see Allow.",
    406: "The API answers in JSON only.",
    409: "The same request is still in progress.",
    413: "The body is too large.",
    415: "The body must be application/json.",
    422: "The Idempotency-Key belongs to another request.",
    429: "Too many requests: see Retry-After.",
}


def refused(*codes: int) -> dict[Any, Any]:
    return {(code, PROBLEM): OpenApiResponse(Problem, MEANINGS[code]) for code in codes}


REFUSALS = refused(400, 401, 403, 404, 405, 406, 429)
# For requests with a body.
WRITING = REFUSALS | refused(409, 413, 415, 422)
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="A repeated request gets the same answer."
)
COUNT = {"type": "integer", "minimum": 0, "maximum": 10**parameters.DIGITS - 1}
