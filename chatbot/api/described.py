"""What all operations have in common in their description at /api/docs."""

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
    detail = serializers.CharField(help_text="A sentence to who can mend it.")
    errors = serializers.JSONField(required=False, help_text="By field, where fields do not fit.")
    retry_after = serializers.FloatField(required=False, help_text="Seconds.")


MEANINGS = {
    400: "Something does not fit: see errors.",
    401: "No key, or none that is good.",
    403: "The key lacks the scope.",
    404: "It is not there.",
    405: "Another method is meant: see Allow.",
    406: "Only JSON is spoken here.",
    409: "The same request is being answered at this moment.",
    413: "The body is too large.",
    415: "The body must be application/json.",
    422: "The Idempotency-Key belongs to another request.",
    429: "Too many requests: see Retry-After.",
}


def refused(*codes: int) -> dict[Any, Any]:
    return {(code, PROBLEM): OpenApiResponse(Problem, MEANINGS[code]) for code in codes}


REFUSALS = refused(400, 401, 403, 404, 405, 406, 429)
# Of what has a body.
WRITING = REFUSALS | refused(409, 413, 415, 422)
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key", str, "header", description="Sent again, the answer is given again."
)
COUNT = {"type": "integer", "minimum": 0, "maximum": 10**parameters.DIGITS - 1}
