"""The widget's loader script, its page, and the inbox's look."""

import json
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from chatbot.attachments import kinds
from chatbot.models import Inbox, InboxLogo
from chatbot.widget import look

A_DAY = "public, max-age=86400"
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
    response: Any = render(request, "chatbot/widget.html", page(row))
    # Set as csp's decorator would, which cannot use values of the request.
    response._csp_replace = {"frame-ancestors": ["'self'", *row.origins]}
    return response


def page(inbox: Inbox) -> dict[str, Any]:
    """Return the context of the chat's page."""
    return {
        "inbox": inbox,
        "style": look.style_address(inbox),
        "logo": look.logo_address(inbox),
        "ratings": RATINGS,
        "mails": bool(settings.EMAIL_HOST),
        "attachments": kinds.limits(),
    }


@require_safe
def look_style(request: HttpRequest, colour: str) -> HttpResponse:
    """Serve the style sheet of a widget's colour: the Content-Security-Policy forbids it inline."""
    sheet = look.style(f"#{colour}")
    return HttpResponse(sheet, content_type="text/css", headers={"Cache-Control": A_DAY})


@require_safe
def look_script(request: HttpRequest, inbox: str) -> HttpResponse:
    """Serve the launcher's look as a module, which the loader imports on the site's page: a site
    that allows the loader allows it too."""
    look_of = look.of_launcher(get_object_or_404(Inbox, key=inbox))
    response = HttpResponse(
        f"export default {json.dumps(look_of)};\n", content_type="text/javascript; charset=utf-8"
    )
    response["Cache-Control"] = "public, max-age=300"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def logo(request: HttpRequest, inbox: str) -> HttpResponse:
    """Serve an inbox's logo. Its address changes with it."""
    row = get_object_or_404(InboxLogo, inbox__key=inbox)
    headers = {"Cache-Control": A_DAY, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(bytes(row.data), content_type=row.type, headers=headers)
