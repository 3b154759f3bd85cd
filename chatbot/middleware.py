"""Middleware: refuses NUL characters in addresses, explains faults of the machine, and relaxes the
Content-Security-Policy of some staff pages."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

from chatbot.api.problems import troubled
from crm.plumbing.problems import PROBLEM, problem

# The admin's theme has inline scripts and expressions in attributes; the page of the API has inline
# styles. Customers see neither.
STYLES = {"style-src": [SELF, UNSAFE_INLINE]}
LOOSER = {
    "/admin/": {**STYLES, "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL]},
    "/api/docs": STYLES,
}


@sync_and_async_middleware
def without_nul(get_response: Callable[[HttpRequest], Any]) -> Any:
    """Answer 404 to an address with a NUL character, which PostgreSQL refuses to search for."""

    async def asynchronous(request: HttpRequest) -> Any:
        return refusal(request) or await get_response(request)

    def synchronous(request: HttpRequest) -> Any:
        return refusal(request) or get_response(request)

    return asynchronous if iscoroutinefunction(get_response) else synchronous


def refusal(request: HttpRequest) -> JsonResponse | None:
    # The API checks its parameters itself, and its error names the wrong one.
    query = "" if request.path.startswith("/api/") else request.META.get("QUERY_STRING", "")
    if "\x00" not in request.path_info and "%00" not in query:
        return None
    document = problem(404, "Addresses must not contain a NUL character.")
    return JsonResponse(document, status=404, content_type=PROBLEM)


class AdminPolicy(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: Any) -> Any:
        for prefix, directives in LOOSER.items():
            if request.path.startswith(prefix):
                response._csp_update = directives
        return response


class Troubles(MiddlewareMixin):
    """Explains a full disk or a read-only database to the client, also with DEBUG=1."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return troubled(error)
