"""Who sends records here, and every event as it came."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget

from crm import adapters, inbound, signing
from crm.adapters import generic
from crm.admin.records import ReadOnly
from crm.management.sources import address
from crm.models import InboundEvent, Source

RECENT = timedelta(days=7)
# Of a body on its page; the whole of it is in the database.
SHOWN = 20_000
COLOURS = {"received": "info", "applied": "success", "failed": "danger", "refused": "warning"}


class SourceForm(forms.ModelForm):
    given = forms.CharField(
        label="its own secret",
        required=False,
        widget=UnfoldAdminPasswordWidget(),
        help_text="Only where the other system has made one (HubSpot, Zendesk).",
    )
    dialect = forms.ChoiceField(
        choices=lambda: [(name, name) for name in adapters.names()],
        help_text="How it writes and signs its webhooks.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("dialect") == "generic":
            try:
                generic.check(cleaned.get("mapping"))
            except ValueError as error:
                self.add_error("mapping", str(error))
        return cleaned


@admin.register(Source)
class SourceAdmin(ModelAdmin):
    form = SourceForm
    fields = ["name", "dialect", "active", "given", "mapping"]
    list_display = ["name", "dialect", "url", "last", "health", "active"]
    actions_detail = ["rotate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        recent = Q(events__received_at__gte=timezone.now() - RECENT)
        bad = recent & Q(events__state__in=["failed", "refused"])
        counts = {"recent": Count("events", recent), "bad": Count("events", bad)}
        return super().get_queryset(request).annotate(latest=Max("events__received_at"), **counts)

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> list[str]:
        # The name stands in the address that the CRM was given.
        return ["name"] if obj else []

    @display(description="Address")
    def url(self, source: Source) -> str:
        return address(source)

    @display(description="Last event", ordering="latest")
    def last(self, source: Any) -> Any:
        return source.latest

    @display(description="Last seven days")
    def health(self, source: Any) -> str | SafeString:
        if not source.recent:
            return "no events"
        well = f"{(source.recent - source.bad) / source.recent:.1%} well"
        return f"{source.recent} event{pluralize(source.recent)}, {well}"

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        if not change:
            obj.secrets = signing.rotated([])
        if given := form.cleaned_data["given"]:
            obj.secrets = [{"secret": given, "until": None}]
        super().save_model(request, obj, form, change)
        if not change and not given:
            self.show_secret(request, obj)

    def show_secret(self, request: HttpRequest, source: Source) -> None:
        text = "Give the CRM this secret now; it is not shown again: {}"
        messages.warning(request, format_html(text, source.secrets[0]["secret"]))

    @action(description="New secret (the old one counts for a day)", permissions=["change"])
    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponseRedirect:
        source = Source.objects.get(pk=object_id)
        source.secrets = signing.rotated(source.secrets)
        source.save(update_fields=["secrets"])
        self.show_secret(request, source)
        return HttpResponseRedirect(reverse("admin:crm_source_change", args=[object_id]))

    def has_rotate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return self.has_change_permission(request)


@admin.register(InboundEvent)
class InboundEventAdmin(ReadOnly, ModelAdmin):
    list_display = ["event_id", "source", "type", "shown_state", "reason", "received_at"]
    list_filter = ["state", "source", "type"]
    list_select_related = ["source"]
    search_fields = ["event_id", "reason"]
    show_full_result_count = False
    fields = ["source", "event_id", "type", "state", "reason", "received_at", "applied_at", "sent"]
    readonly_fields = fields
    actions = ["apply_again"]

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, event: InboundEvent) -> str:
        return event.state

    @display(description="As it came")
    def sent(self, event: InboundEvent) -> SafeString:
        try:
            text = json.dumps(json.loads(event.body), indent=2, ensure_ascii=False)
        except ValueError:
            text = event.body
        return format_html('<pre class="overflow-x-auto">{}</pre>', text[:SHOWN])

    @admin.action(description="Apply failed events again", permissions=["apply"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[InboundEvent]) -> None:
        count = inbound.again(queryset)
        messages.info(request, f"{count} failed event{pluralize(count)} will be applied again.")

    def has_apply_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_inboundevent")
