"""Inboxes: the widget's sites, the code for the site, the hours, and the alert rules."""

import re
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.admin import hours
from chatbot.conversation import alerts
from chatbot.models import Conversation, Inbox
from crm.admin.list_field import LinesField

ALERT_FIELDS = [
    "alert_in_a_row", "alert_repeated", "alert_threats", "alert_fall", "alert_mood", "alert_emails",
]  # fmt: skip
WIDGET_FIELDS = [
    "name", "key", "greeting", "origins", "hand_off_on", "auto_assign", "learning",
]  # fmt: skip
ALERTS = (
    "Each of these rules calls an agent until somebody has seen the alert or takes the "
    "conversation over. A mood counts only if the classifier is sure enough (60 %). You can try "
    "out your changes below before you save them."
)
PREVIEW_ROWS = 100
ORIGIN = re.compile(r"https?://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(:[0-9]{1,5})?")


def origin(line: str) -> str:
    """Return the line in the form of an Origin header: lower case, no slash at the end.

    The check is strict, because the value also goes into a Content-Security-Policy.
    """
    text = line.lower().rstrip("/")
    if not ORIGIN.fullmatch(text):
        raise ValidationError(f"Write {line!r} like https://shop.example, without a path.")
    return text


def address(line: str) -> str:
    validate_email(line)
    return line


class InboxForm(hours.HoursForm):
    origins = LinesField(
        origin, "https://shop.example", "Sites that may show the widget, one per line."
    )
    alert_emails = LinesField(
        address, "team@shop.example", "Addresses that receive alerts, one per line."
    )
    alert_emails.label = "E-mail alerts to"

    hand_off_on = LinesField(
        str.strip,
        "power of attorney",
        "Words or phrases, one per line: a message that has one of them goes to a person.",
    )
    hand_off_on.label = "Always hand off on"

    class Meta:
        model = Inbox
        fields = ["key", "name", "greeting", "origins", "hand_off_on", "learning", "auto_assign"]
        fields += [*ALERT_FIELDS, "time_zone", "special_days"]


@admin.register(Inbox)
class InboxAdmin(ModelAdmin):
    form = InboxForm
    fieldsets = [
        (None, {"fields": WIDGET_FIELDS}),
        ("Business hours", {"fields": ["now", *hours.FIELDS], "description": hours.ABOUT}),
        ("When agents are alerted", {"fields": ALERT_FIELDS, "description": ALERTS}),
    ]
    list_display = ["name", "key", "sites", "now"]
    ordering = ["name"]
    search_fields = ["name", "key"]

    class Media:
        css = {"all": ["chatbot/admin/theme.css", "chatbot/admin/panels.css"]}

    @display(description="Sites")
    def sites(self, inbox: Inbox) -> str:
        return ", ".join(inbox.origins)

    @display(description="Now")
    def now(self, inbox: Inbox) -> str:
        return hours.standing(inbox)

    def get_readonly_fields(self, request: HttpRequest, obj: Inbox | None = None) -> list[str]:
        # The key is part of the sites' pages and of every identity token that they sign.
        return ["now", "key"] if obj else ["now"]

    def get_urls(self) -> list[Any]:
        preview = self.admin_site.admin_view(self.preview)
        return [path("<int:inbox>/alerts/", preview, name="alerts"), *super().get_urls()]

    def preview(self, request: HttpRequest, inbox: int) -> TemplateResponse:
        """Compare last week's alerts under the form's rules with those under the saved rules."""
        saved = get_object_or_404(Inbox, id=inbox)
        if not self.has_change_permission(request, saved):
            raise PermissionDenied
        form = self.get_form(request, saved)(request.POST, instance=Inbox.objects.get(id=inbox))
        context = self.admin_site.each_context(request) | {
            "title": f"{saved}: last week under these rules",
            "errors": form.errors,
            "form_page": reverse("admin:chatbot_inbox_change", args=[inbox]),
        }
        if form.is_valid():
            context |= previewed(saved, form.instance)
        return TemplateResponse(request, "admin/chatbot/inbox/alerts.html", context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Inbox | None = None,
        **kwargs: Any,
    ) -> TemplateResponse:
        if obj:
            context["rules"] = alerts.described(alerts.rules_of(obj))
            context["loader"] = request.build_absolute_uri(reverse("loader"))
            context["may_try"] = self.has_change_permission(request, obj)
            # Only users who may add inboxes: with the secret, one can speak as any customer.
            context["may_see_secret"] = self.has_add_permission(request)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)


def previewed(saved: Inbox, edited: Inbox) -> dict[str, Any]:
    now = alerts.preview(saved, alerts.rules_of(saved))
    then = alerts.preview(saved, alerts.rules_of(edited))
    shown = then.firings[:PREVIEW_ROWS]
    related = Conversation.objects.select_related("visitor__customer")
    conversations = related.in_bulk([firing.conversation for firing in shown])
    rows = [(conversations[firing.conversation], firing) for firing in shown]
    words = alerts.described(alerts.rules_of(edited))
    return {"before": len(now.firings), "preview": then, "rows": rows, "rules": words}
