"""Admin pages of outgoing events: each attempt with its request and response, and sending again."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from crm.admin.asked import confirmed, page_of
from crm.admin.many import ShortPaginator, TypeFilter
from crm.admin.records import ReadOnly
from crm.models import Attempt, Delivery
from crm.outbound import outbox

COLOURS = {"pending": "info", "running": "info", "done": "success", "failed": "danger"}
# Characters of a body on its page; the database has all of it.
SHOWN = 20_000


class AttemptInline(ReadOnly, TabularInline):
    model = Attempt
    fields = ["at", "outcome", "took", "sent", "came"]
    readonly_fields = fields
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # The delivery's own permission has been checked by then.

    @display(description="Outcome")
    def outcome(self, attempt: Attempt) -> str:
        return attempt.error or str(attempt.status)

    @display(description="Took")
    def took(self, attempt: Attempt) -> str:
        return f"{1000 * attempt.seconds:,.0f} ms"

    @display(description="Request")
    def sent(self, attempt: Attempt) -> str | SafeString:
        if not attempt.request:
            return "not sent"
        delivery = attempt.delivery
        head = [f"{name}: {value}" for name, value in attempt.request.items()]
        text = "\n".join([f"POST {delivery.endpoint.url}", *head, "", pretty(delivery.body)])
        return folded("headers and body", text)

    @display(description="Beginning of the answer")
    def came(self, attempt: Attempt) -> str | SafeString:
        return folded(f"{len(attempt.answer)} characters", attempt.answer) if attempt.answer else ""


class DeliveryTypes(TypeFilter):
    types = (*outbox.TYPES, outbox.TEST)


class Lately(admin.SimpleListFilter):
    title = "time"
    parameter_name = "hours"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "last hour"), ("24", "last day"), ("168", "last seven days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        hours = self.value()
        if hours not in {"1", "24", "168"}:
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - timedelta(hours=int(hours)))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, ModelAdmin):
    list_display = ["event_id", "type", "endpoint", "shown_state", "tries", "created_at", "due"]
    list_filter = ["state", "endpoint", DeliveryTypes, Lately]
    list_select_related = ["endpoint"]
    search_fields = ["event_id__exact", "conversation__exact"]
    search_help_text = "The full id of an event or a conversation"
    show_full_result_count = False
    paginator = ShortPaginator
    fields = ["endpoint", "event_id", "type", "state", "tries", "created_at", "due", "body_shown"]
    readonly_fields = fields
    inlines = [AttemptInline]
    actions = ["send_again"]
    actions_detail = ["send_this_again"]

    class Media:
        css = {"all": ["chatbot/admin/theme.css", "chatbot/admin/panels.css", "crm/webhooks.css"]}

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, delivery: Delivery) -> str:
        return delivery.state

    @display(description="Next try")
    def due(self, delivery: Delivery) -> datetime | None:
        return delivery.next_at if delivery.state == Delivery.State.PENDING else None

    @display(description="Body")
    def body_shown(self, delivery: Delivery) -> SafeString:
        return wire(pretty(delivery.body))

    @admin.action(description="Send again with the same ids", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        count = outbox.again(queryset)
        messages.info(request, f"{count} event{pluralize(count)} will be sent again.")

    @action(description="Send again …", permissions=["send"])
    def send_this_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        delivery = get_object_or_404(Delivery, pk=object_id)

        def send() -> str:
            self.send_again(request, Delivery.objects.filter(pk=object_id))
            return page_of(delivery)

        text = "It is sent with the same id: a receiver that remembers ids does not apply it twice."
        return confirmed(request, delivery, "Send again", text, send)

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.change_delivery")


def pretty(body: str) -> str:
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)[:SHOWN]


def wire(text: str) -> SafeString:
    return format_html('<pre class="wire" tabindex="0">{}</pre>', text)


def folded(summary: str, text: str) -> SafeString:
    shape = '<details class="wire-fold"><summary>{}</summary>{}</details>'
    return format_html(shape, summary, wire(text))
