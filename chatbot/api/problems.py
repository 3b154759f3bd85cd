"""Every refusal of the API in one form."""

import logging
import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import server_error
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from chatbot.api.parsers import TooLarge
from crm.plumbing import troubles
from crm.plumbing.problems import PROBLEM, problem

logger = logging.getLogger("attune.api")


def problem_document(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every refusal in one form."""
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    response = exception_handler(error, context)
    if response is None:
        return None
    extra = {}
    if isinstance(error, ValidationError):
        detail = "The request does not fit: see errors."
        extra["errors"] = response.data
    else:
        detail = error.detail if isinstance(error, APIException) else str(error)
    if wait := getattr(error, "wait", None):
        extra["retry_after"] = wait
    response.data = problem(response.status_code, str(detail), **extra)
    response.content_type = PROBLEM
    return response


def troubled(error: BaseException | None) -> HttpResponse | None:
    """Answers for the machine where the error is its own; the log says what operators can do."""
    if error is None or (found := troubles.trouble(error)) is None:
        return None
    logger.error("%s", found.text)
    document = problem(found.status, found.public_text, retry_after=troubles.AGAIN)
    headers = {"Retry-After": str(troubles.AGAIN)}
    return JsonResponse(document, status=found.status, headers=headers, content_type=PROBLEM)


class NoSuchAddress(APIView):
    """Whatever else is asked for under /api/."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404("There is no such address; /api/docs lists them, each ends with a slash.")


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500; the error itself goes into the log."""
    if found := troubled(sys.exc_info()[1]):
        return found
    if not request.path.startswith("/api/"):
        return server_error(request)
    document = problem(500, "Something is broken on our side; the operators' log says what.")
    return JsonResponse(document, status=500, content_type=PROBLEM)
