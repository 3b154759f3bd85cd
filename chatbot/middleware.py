"""Addresses that are none, the machine's own faults, and what differs from page to page in the
Content-Security-Policy."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware
from django.utils.deprecation import MiddlewareMixin

from chatbot.api.problems import troubled
from crm.plumbing.problems import PROBLEM, problem

# The admin's theme has scripts in its pages and expressions in its attributes; the API's page has
# styles in its elements. Neither is shown to customers.
STYLES = {"style-src": [SELF, UNSAFE_INLINE]}
LOOSER = {
    "/admin/": {**STYLES, "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL]},
    "/api/docs": STYLES,
}


@sync_and_async_middleware
def without_nul(get_response: Callable[[HttpRequest], Any]) -> Any:
    """No address holds a NUL character, and PostgreSQL refuses to look for one."""

    async def later(request: HttpRequest) -> Any:
        return refusal(request) or await get_response(request)

    def now(request: HttpRequest) -> Any:
        return refusal(request) or get_response(request)

    return later if iscoroutinefunction(get_response) else now


def refusal(request: HttpRequest) -> JsonResponse | None:
    # The API names the parameter.
    asked = "" if request.path.startswith("/api/") else request.META.get("QUERY_STRING", "")
    if "\x00" not in request.path_info and "%00" not in asked:
        return None
    document = problem(404, "No address holds a NUL character.")
    return JsonResponse(document, status=404, content_type=PROBLEM)


class AdminPolicy(MiddlewareMixin):
    def process_response(self, request: HttpRequest, response: Any) -> Any:
        for prefix, directives in LOOSER.items():
            if request.path.startswith(prefix):
                response._csp_update = directives
        return response


class Troubles(MiddlewareMixin):
    """A full disk or a database that takes no writes is told as what it is, also with DEBUG=1."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return troubled(error)
