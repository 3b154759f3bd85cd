"""Inboxes: where the widget may stand, and what to paste into the site."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from chatbot.models import Inbox

ORIGIN = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:[0-9]{1,5})?")


class OriginsField(forms.Field):
    """A list of origins, edited one per line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4, "placeholder": "https://shop.example"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: str | None) -> list[str]:
        lines = (line.strip() for line in (value or "").splitlines())
        return list(dict.fromkeys(origin(line) for line in lines if line))


def origin(line: str) -> str:
    """The line as a browser sends it in its Origin header: lower case, no slash at the end.

    Strict, because it goes into a Content-Security-Policy too.
    """
    text = line.lower().rstrip("/")
    if not ORIGIN.fullmatch(text):
        raise ValidationError(f"Write {line!r} like https://shop.example, without a path.")
    return text


class InboxForm(forms.ModelForm):
    origins = OriginsField(
        required=False, help_text="Sites that may show the widget, one per line."
    )

    class Meta:
        model = Inbox
        fields = ["key", "name", "greeting", "origins", "learning"]


@admin.register(Inbox)
class InboxAdmin(ModelAdmin):
    form = InboxForm
    fields = ["name", "key", "greeting", "origins", "learning"]
    list_display = ["name", "key", "sites"]
    ordering = ["name"]
    search_fields = ["name", "key"]

    class Media:
        css = {"all": ["chatbot/admin/console.css"]}

    @display(description="Sites")
    def sites(self, inbox: Inbox) -> str:
        return ", ".join(inbox.origins)

    def get_readonly_fields(self, request: HttpRequest, obj: Inbox | None = None) -> list[str]:
        # The key stands in the sites' pages and in every identity token they sign.
        return ["key"] if obj else []

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Inbox | None = None,
        **kwargs: Any,
    ) -> TemplateResponse:
        if obj:
            context["loader"] = request.build_absolute_uri(reverse("loader"))
            context["may_see_secret"] = self.has_change_permission(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)
