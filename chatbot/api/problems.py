"""Problem documents (RFC 9457) for all refusals of the API."""

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
    """Turn an exception into a problem document: the exception handler of REST framework."""
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    response = exception_handler(error, context)
    if response is None:
        return None
    extra = {}
    if isinstance(error, ValidationError):
        detail = "The request is not valid: see errors."
        extra["errors"] = response.data
    else:
        detail = error.detail if isinstance(error, APIException) else str(error)
    if wait := getattr(error, "wait", None):
        extra["retry_after"] = wait
    response.data = problem(response.status_code, str(detail), **extra)
    response.content_type = PROBLEM
    return response


def troubled(error: BaseException | None) -> HttpResponse | None:
    """Answer an error of the machine, such as a full disk; the log says what operators can do."""
    if error is None or (trouble := troubles.trouble(error)) is None:
        return None
    logger.error("%s", trouble.text)
    document = problem(trouble.status, trouble.public_text, retry_after=troubles.AGAIN)
    headers = {"Retry-After": str(troubles.AGAIN)}
    return JsonResponse(document, status=trouble.status, headers=headers, content_type=PROBLEM)


class NoSuchAddress(APIView):
    """The answer for unknown addresses under /api/."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404("There is no such address. /api/docs lists all; each ends with a slash.")


def broken(request: HttpRequest) -> HttpResponse:
    """Answer an unhandled exception as Django's handler500; the log has the exception."""
    if response := troubled(sys.exc_info()[1]):
        return response
    if not request.path.startswith("/api/"):
        return server_error(request)
    document = problem(500, "Something is broken on our side; the operators' log says what.")
    return JsonResponse(document, status=500, content_type=PROBLEM)
