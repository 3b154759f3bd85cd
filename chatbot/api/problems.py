"""Every refusal of the API in one form."""

from typing import Any

from rest_framework.exceptions import APIException, Throttled, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from crm.problems import PROBLEM, problem


def problem_document(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every refusal in one form."""
    response = exception_handler(error, context)
    if response is None:
        return None
    extra = {}
    if isinstance(error, ValidationError):
        detail = "The request does not fit: see errors."
        extra["errors"] = response.data
    else:
        detail = error.detail if isinstance(error, APIException) else str(error)
    if isinstance(error, Throttled):
        extra["retry_after"] = error.wait
    response.data = problem(response.status_code, str(detail), **extra)
    response.content_type = PROBLEM
    return response
