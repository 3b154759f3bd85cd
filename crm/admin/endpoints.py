"""Where events are sent, every attempt, and sending again."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from crm import destinations, outbound, signing
from crm.admin.records import ReadOnly
from crm.models import Attempt, Delivery, Endpoint

RECENT = timedelta(days=7)
SHARE = 0.95
COLOURS = {"pending": "info", "running": "info", "done": "success", "failed": "danger"}
MEASURED = 1_000


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        choices=[(name, name) for name in outbound.TYPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: all of them.",
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            destinations.check(url)
        except (destinations.DestinationRefused, ValueError) as error:
            raise ValidationError(str(error)) from None
        return url


@admin.register(Endpoint)
class EndpointAdmin(ModelAdmin):
    form = EndpointForm
    fields = ["url", "active", "events", "inboxes", "full", "masked", "ordered", "cloudevents"]
    list_display = ["url", "standing", "last", "health", "p95", "waiting"]
    actions_detail = ["test", "rotate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        recent = Q(deliveries__attempts__at__gte=timezone.now() - RECENT)
        well = recent & Q(deliveries__attempts__status__range=(200, 299))
        counts = {
            "tried": Count("deliveries__attempts", recent),
            "well": Count("deliveries__attempts", well),
            "latest": Max("deliveries__done_at", Q(deliveries__state="done")),
        }
        return super().get_queryset(request).annotate(**counts)

    @display(description="State")
    def standing(self, endpoint: Endpoint) -> str:
        if not endpoint.active:
            return f"off: {endpoint.trouble}" if endpoint.trouble else "paused"
        return "fails" if endpoint.failing_since else "on"

    @display(description="Last success", ordering="latest")
    def last(self, endpoint: Any) -> Any:
        return endpoint.latest

    @display(description="Last seven days")
    def health(self, endpoint: Any) -> str:
        if not endpoint.tried:
            return "nothing sent"
        return f"{endpoint.tried} sent, {endpoint.well / endpoint.tried:.1%} well"

    @display(description="95 % within")
    def p95(self, endpoint: Endpoint) -> str:
        newest = Attempt.objects.filter(delivery__endpoint=endpoint).order_by("-id")
        seconds = sorted(newest.values_list("seconds", flat=True)[:MEASURED])
        return f"{1000 * seconds[int(SHARE * (len(seconds) - 1))]:.0f} ms" if seconds else ""

    @display(description="Waiting")
    def waiting(self, endpoint: Endpoint) -> int:
        return endpoint.deliveries.filter(state__in=["pending", "running"]).count()

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if not change:
            obj.secrets = signing.rotated([])
        if obj.active:
            obj.trouble, obj.failing_since = "", None
        super().save_model(request, obj, form, change)
        outbound.forget()
        if not change:
            self.show_secret(request, obj)

    def show_secret(self, request: HttpRequest, endpoint: Endpoint) -> None:
        text = "Give the receiver this secret now; it is not shown again: {}"
        messages.warning(request, format_html(text, endpoint.secrets[0]["secret"]))

    @action(description="Send a test event", permissions=["change"])
    def test(self, request: HttpRequest, object_id: int) -> HttpResponseRedirect:
        made = outbound.send_test(Endpoint.objects.get(pk=object_id))
        return HttpResponseRedirect(reverse("admin:crm_delivery_change", args=[made.pk]))

    @action(description="New secret (both sign for a day)", permissions=["change"])
    def rotate(self, request: HttpRequest, object_id: int) -> HttpResponseRedirect:
        endpoint = Endpoint.objects.get(pk=object_id)
        endpoint.secrets = signing.rotated(endpoint.secrets)
        endpoint.save(update_fields=["secrets"])
        self.show_secret(request, endpoint)
        return HttpResponseRedirect(reverse("admin:crm_endpoint_change", args=[object_id]))


class AttemptInline(ReadOnly, TabularInline):
    model = Attempt
    fields = ["at", "status", "error", "seconds", "answer"]
    readonly_fields = fields
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # The delivery's own permission has been checked by then.


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, ModelAdmin):
    list_display = ["event_id", "type", "endpoint", "shown_state", "tries", "created_at", "due"]
    list_filter = ["state", "endpoint", "type"]
    list_select_related = ["endpoint"]
    search_fields = ["event_id", "conversation"]
    show_full_result_count = False
    date_hierarchy = "created_at"
    fields = ["endpoint", "event_id", "type", "state", "tries", "created_at", "due", "sent"]
    readonly_fields = fields
    inlines = [AttemptInline]
    actions = ["send_again"]

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, delivery: Delivery) -> str:
        return delivery.state

    @display(description="Next try")
    def due(self, delivery: Delivery) -> Any:
        return delivery.next_at if delivery.state == Delivery.State.PENDING else None

    @display(description="Body")
    def sent(self, delivery: Delivery) -> SafeString:
        text = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
        return format_html('<pre class="overflow-x-auto">{}</pre>', text)

    @admin.action(description="Send again, under the same ids", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = outbound.again(queryset)
        messages.info(request, f"{count} event{pluralize(count)} will be sent again.")

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("crm.change_delivery")
