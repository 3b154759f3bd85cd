"""The widget's loader script and its page."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chatbot.attachments import kinds
from chatbot.models import Inbox

RATINGS = [
    (1, "😞", "Bad"),
    (2, "🙁", "Poor"),
    (3, "😐", "Fair"),
    (4, "🙂", "Good"),
    (5, "😀", "Great"),
]


@require_safe
def loader(request: HttpRequest) -> FileResponse:
    """Serve /widget.js, the script that a host page includes."""
    path = finders.find("chatbot/widget/loader.js")
    assert isinstance(path, str)
    response = FileResponse(open(path, "rb"), content_type="text/javascript; charset=utf-8")  # noqa: PTH123, SIM115 Django closes it
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
@xframe_options_exempt
def widget(request: HttpRequest, inbox: str) -> HttpResponse:
    """Serve the chat's page. Only the inbox's sites may frame it."""
    row = get_object_or_404(Inbox, key=inbox)
    context = {
        "inbox": row,
        "ratings": RATINGS,
        "mails": bool(settings.EMAIL_HOST),
        "attachments": kinds.limits(),
    }
    response: Any = render(request, "chatbot/widget.html", context)
    # Set as csp's decorator would, which cannot use values of the request.
    response._csp_replace = {"frame-ancestors": ["'self'", *row.origins]}
    return response
