"""What differs from page to page in the Content-Security-Policy, and the machine's own faults."""

from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from chatbot.api.problems import troubled

# The admin's theme has scripts in its pages and expressions in its attributes; the API's page has
# styles in its elements. Neither is shown to customers.
STYLES = {"style-src": [SELF, UNSAFE_INLINE]}
LOOSER = {
    "/admin/": {**STYLES, "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL]},
    "/api/docs": STYLES,
}


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
