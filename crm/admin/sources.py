"""Admin pages of sources, the systems that send records, and of their events as they arrived."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
)

from crm import dialects, signing
from crm.admin import health
from crm.admin.asked import confirmed, page_of
from crm.admin.many import Removable, ShortPaginator, TypeFilter
from crm.admin.records import ReadOnly
from crm.ids import namespaces
from crm.inbound import apply, reception
from crm.management.sources import address, ids_of
from crm.models import InboundEvent, Source

# Changes shown in the preview of a payload.
PREVIEWED = 20
# Characters of a body on its page; the database has all of it.
SHOWN = 20_000
COLOURS = {"received": "info", "applied": "success", "failed": "danger", "refused": "warning"}


class SourceForm(forms.ModelForm):
    given = forms.CharField(
        label="Its own secret",
        required=False,
        widget=UnfoldAdminPasswordWidget(),
        help_text="Only if the other system has made the secret (HubSpot, Zendesk).",
    )
    dialect = forms.ChoiceField(
        choices=lambda: [(name, name) for name in dialects.names()],
        widget=UnfoldAdminSelectWidget(),
        help_text="How the system writes and signs its webhooks.",
    )

    own_ids = forms.TypedChoiceField(
        label="Its ids",
        required=False,
        choices=[
            ("", "Default: ours for the dialect attune, otherwise its own"),
            ("yes", "Ours: it uses the ids of our own system for customers and records"),
            ("no", "Its own: the source's name is put before each id, such as zd/501"),
        ],
        coerce=lambda given: given == "yes",
        empty_value=None,
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        help_texts = {
            "mapping": "For the generic dialect: a JSONPath for each field of a record. For "
            "salesforce, hubspot and chatwoot: the fields that customers may read besides those "
            'that these systems show them, such as {"public": {"case": ["Warranty_until__c"]}}; '
            "other fields that agents use are never shown."
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            dialects.check_mapping(cleaned.get("dialect", "attune"), cleaned.get("mapping"))
        except ValueError as error:
            self.add_error("mapping", str(error))
        return cleaned


def tried(given: Mapping[str, str]) -> list[dialects.Change]:
    """Return the changes that the form's payload would make. Raises ValueError with a message for
    the operator."""
    dialect = given.get("dialect", "")
    if dialect not in dialects.names():
        raise ValueError("Choose a dialect.")
    try:
        mapping = json.loads(given.get("mapping") or "{}")
    except ValueError as error:
        raise ValueError(f"The mapping is not JSON: {error}.") from None
    dialects.check_mapping(dialect, mapping)
    known = Source.objects.filter(name=given.get("source", "")).first()
    own = {"yes": True, "no": False}.get(given.get("own_ids", ""))
    space = namespaces.for_new_source(given.get("name", ""), dialect, own)
    payload = given.get("payload", "").encode()
    return reception.preview(dialect, mapping, payload, known.namespace if known else space)


def state_of(source: Any) -> health.Health:
    """Return the source's health, computed once for each row of a page."""
    if not hasattr(source, "health"):
        source.health = health.of_source(source)
    state: health.Health = source.health
    return state


@admin.register(Source)
class SourceAdmin(Removable, ModelAdmin):
    form = SourceForm
    list_display = ["name", "dialect", "url", "ids", "last", "well", "active"]
    list_per_page = 50
    actions_detail = ["rotate"]
    remove = staticmethod(apply.remove)

    class Media:
        css = {"all": ["chatbot/admin/theme.css", "chatbot/admin/panels.css", "crm/webhooks.css"]}

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("preview/", wrapped(self.preview), name="source-preview"),
            *super().get_urls(),
        ]

    def preview(self, request: HttpRequest) -> JsonResponse:
        """Return what the pasted payload would become with the form's dialect and mapping."""
        if not self.may_try(request):
            raise PermissionDenied
        try:
            changes = tried(request.POST)
        except ValueError as error:
            return JsonResponse({"error": str(error)})
        shown = [{"type": change.type, "data": change.data} for change in changes[:PREVIEWED]]
        return JsonResponse({"count": len(changes), "changes": shown})

    def may_try(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) or self.has_change_permission(request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if self.may_try(request):
            context["preview_url"] = reverse("admin:source-preview")
        return super().render_change_form(request, context, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        return ["name", "dialect", "ids" if obj else "own_ids", "active", "given", "mapping"]

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        # The name is part of the address that the CRM was given, and of the ids that it has sent.
        return ["name", "ids"] if obj else []

    @display(description="Its ids are")
    def ids(self, source: Source) -> str:
        return ids_of(source)

    @display(description="Address")
    def url(self, source: Source) -> str:
        return address(source)

    @display(description="Last success")
    def last(self, source: Source) -> datetime | None:
        return state_of(source).last

    @display(description="Recent success")
    def well(self, source: Source) -> str:
        return state_of(source).share or "no events"

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if not change:
            obj.secrets = signing.rotated([])
            own = form.cleaned_data["own_ids"]
            obj.namespace = namespaces.for_new_source(obj.name, obj.dialect, own)
        if given := form.cleaned_data["given"]:
            obj.secrets = signing.rotated(obj.secrets if change else [], given)
        super().save_model(request, obj, form, change)
        if "dialect" in form.changed_data and change:
            namespaces.keep_apart(obj)
        if not change and not given:
            self.show_secret(request, obj)

    def show_secret(self, request: HttpRequest, source: Source) -> None:
        text = "Give this secret to the CRM now; it is not shown again: {}"
        messages.warning(request, format_html(text, source.secrets[0]["secret"]))

    @action(description="New secret …", permissions=["change"])
    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        source = get_object_or_404(Source, pk=object_id)

        def change() -> str:
            source.secrets = signing.rotated(source.secrets)
            source.save(update_fields=["secrets"])
            self.show_secret(request, source)
            return page_of(source)

        text = "It is shown once, on the next page. The old one remains valid for another day."
        return confirmed(request, source, "Make a new secret", text, change)


class InboundTypes(TypeFilter):
    types = (*apply.TYPES, "nothing")


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly, ModelAdmin):
    list_display = ["event_id", "source", "type", "shown_state", "reason", "received_at"]
    list_filter = ["state", "source", InboundTypes]
    list_select_related = ["source"]
    search_fields = ["event_id__exact"]
    search_help_text = "The full id of an event"
    paginator = ShortPaginator
    show_full_result_count = False
    fields = ["source", "event_id", "type", "state", "reason", "received_at", "applied_at", "sent"]
    readonly_fields = fields
    actions = ["apply_again"]

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, event: InboundEvent) -> str:
        return event.state

    @display(description="As it arrived")
    def sent(self, event: InboundEvent) -> SafeString:
        try:
            text = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = event.body
        return format_html('<pre class="overflow-x-auto">{}</pre>', text[:SHOWN])

    @admin.action(description="Apply failed events again", permissions=["apply"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[InboundEvent]) -> None:
        count = apply.again(queryset)
        messages.info(request, f"{count} failed event{pluralize(count)} will be applied again.")

    def has_apply_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_inboundevent")
