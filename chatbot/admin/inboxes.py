"""Inboxes: the widget's sites and look, the code for the site, guidance, hours, alert rules."""

import re
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.forms import Script
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.admin import guidance, hours, looks, setup
from chatbot.conversation import alerts
from chatbot.models import Conversation, Inbox
from chatbot.people.roles import MAY_SEE
from chatbot.widget import look
from chatbot.widget.views import page
from crm.admin.list_field import LinesField

ALERT_FIELDS = [
    "alert_urgent", "alert_in_a_row", "alert_repeated", "alert_threats", "alert_fall", "alert_mood",
    "alert_emails",
]  # fmt: skip
WIDGET_FIELDS = ["name", "key", "origins", "auto_assign", "read_ahead", "learning"]
ALERTS = (
    "Each of these rules alerts agents until somebody has seen the alert or takes the "
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


class InboxForm(looks.LookForm, guidance.GuidanceForm, hours.HoursForm):
    origins = LinesField(
        origin, "https://shop.example", "Sites that may show the widget, one per line."
    )
    alert_emails = LinesField(
        address, "team@shop.example", "Addresses that receive alerts, one per line."
    )
    alert_emails.label = "E-mail alerts to"

    class Meta:
        model = Inbox
        fields = ["key", "name", "greeting", "origins", "learning", "auto_assign"]
        fields += ["read_ahead", "bot_name", "colour", "suggestions", "position", *guidance.FIELDS]
        fields += [*ALERT_FIELDS, "time_zone", "special_days"]
        help_texts = {
            "key": "A short name for programs. The pages of your site use it to name the inbox. "
            "You cannot change it later."
        }


@admin.register(Inbox)
class InboxAdmin(ModelAdmin):
    form = InboxForm
    fieldsets = [
        (None, {"fields": WIDGET_FIELDS}),
        ("Look", {"fields": looks.FIELDS, "description": looks.ABOUT}),
        (
            "Guidance for the bot",
            {
                "fields": guidance.FIELDS,
                "description": guidance.ABOUT,
                "classes": ["collapse"],
            },
        ),
        (
            "The bot's own sentences",
            {
                "fields": [*guidance.SENTENCES],
                "description": guidance.ABOUT_SENTENCES,
                "classes": ["collapse"],
            },
        ),
        (
            "Business hours",
            {
                "fields": ["now", *hours.FIELDS],
                "description": hours.ABOUT,
                "classes": ["collapse"],
            },
        ),
        (
            "When agents are alerted",
            {"fields": ALERT_FIELDS, "description": ALERTS, "classes": ["collapse"]},
        ),
    ]
    list_display = ["name", "key", "sites", "now"]
    ordering = ["name"]
    search_fields = ["name", "key"]
    list_before_template = "admin/chatbot/inbox/list_before.html"

    class Media:
        css = {
            "all": [
                "chatbot/admin/theme.css", "chatbot/admin/panels.css", "chatbot/admin/inbox.css",
            ]
        }  # fmt: skip
        js = [Script("chatbot/admin/inbox.js", type="module")]

    @display(description="Sites")
    def sites(self, inbox: Inbox) -> str:
        return ", ".join(inbox.origins)

    @display(description="Now")
    def now(self, inbox: Inbox) -> str:
        return hours.standing(inbox)

    def get_fieldsets(self, request: HttpRequest, obj: Inbox | None = None) -> Any:
        """Leave out a logo's removal where there is none, and what only a form shows for people
        who may only view the inbox."""
        sections = super().get_fieldsets(request, obj)
        hidden = set() if look.logo_address(obj or Inbox()) else {"remove_logo"}
        if obj and not self.has_change_permission(request, obj):
            hidden |= {"logo", "remove_logo", *guidance.SENTENCES}
        shown = [
            (name, options | {"fields": [one for one in options["fields"] if one not in hidden]})
            for name, options in sections
        ]
        return [(name, options) for name, options in shown if options["fields"]]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Inbox | None = None) -> Any:
        return {} if obj else {"key": ["name"]}

    def get_readonly_fields(self, request: HttpRequest, obj: Inbox | None = None) -> list[str]:
        # The key is part of the sites' pages and of every identity token that they sign.
        return ["now", "key"] if obj else ["now"]

    def save_model(self, request: HttpRequest, obj: Inbox, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        form.save_logo()

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:inbox>/alerts/", view(self.preview), name="alerts"),
            path("<int:inbox>/guidance/", view(self.try_guidance), name="guidance"),
            path("<int:inbox>/look/", view(self.look), name="look"),
            path("look/", view(self.look), name="new-look"),
            path("setup/", view(setup.page), name="setup"),
            path("setup/dismiss/", view(setup.dismiss), name="setup-dismiss"),
            *super().get_urls(),
        ]

    def preview(self, request: HttpRequest, inbox: int) -> TemplateResponse:
        """Compare last week's alerts under the form's rules with those under the saved rules."""
        saved, form = self.edited(request, inbox)
        context = self.trial_context(request, saved, form, "last week under these rules")
        if form.is_valid():
            context |= previewed(saved, form.instance)
        return TemplateResponse(request, "admin/chatbot/inbox/alerts.html", context)

    def try_guidance(self, request: HttpRequest, inbox: int) -> TemplateResponse:
        """Show which of last week's messages the form's guidance would have met."""
        saved, form = self.edited(request, inbox)
        context = self.trial_context(request, saved, form, "last week under this guidance")
        if form.is_valid():
            may_read = request.user.has_perm(MAY_SEE)
            context |= guidance.tried(saved, form.instance, may_read)
        return TemplateResponse(request, "admin/chatbot/inbox/guidance.html", context)

    def edited(self, request: HttpRequest, inbox: int) -> tuple[Inbox, Any]:
        """Return the saved inbox, and the form as it was sent."""
        saved = get_object_or_404(Inbox, id=inbox)
        if not self.has_change_permission(request, saved):
            raise PermissionDenied
        form = self.get_form(request, saved)
        return saved, form(request.POST, request.FILES, instance=Inbox.objects.get(id=inbox))

    def trial_context(
        self, request: HttpRequest, saved: Inbox, form: Any, title: str
    ) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {
            "title": f"{saved}: {title}",
            "errors": form.errors,
            "form_page": reverse("admin:chatbot_inbox_change", args=[saved.pk]),
        }

    @method_decorator(xframe_options_sameorigin)
    def look(self, request: HttpRequest, inbox: int | None = None) -> TemplateResponse:
        """Show the chat's page as the form would leave it, for the frame below the form. A field
        with an error is shown as it was saved."""
        if inbox is None and not self.has_add_permission(request):
            raise PermissionDenied
        if inbox is None:
            form = self.get_form(request)(request.POST, request.FILES)
        else:
            _, form = self.edited(request, inbox)
        form.is_valid()
        context = page(form.instance) | {"logo": form.logo_address(), "preview": True}
        response: Any = TemplateResponse(request, "chatbot/widget.html", context)
        response._csp_replace = {"frame-ancestors": ["'self'"]}
        return response

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Inbox | None = None,
        **kwargs: Any,
    ) -> TemplateResponse:
        may_save = self.has_change_permission(request, obj) if obj else True
        if may_save:
            context["look"] = (
                reverse("admin:look", args=[obj.pk]) if obj else reverse("admin:new-look")
            )
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
