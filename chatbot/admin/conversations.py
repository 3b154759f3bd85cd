"""The list of conversations by last activity, and a conversation's page."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.admin import teach
from chatbot.attachments import kinds
from chatbot.console import mood_display, traces
from chatbot.console.frames import VIEWS
from chatbot.console.rows import OPEN, banded, gist, with_last_message
from chatbot.console.uploads import upload
from chatbot.console.view import new_article
from chatbot.conversation import search
from chatbot.conversation.plain import without_controls
from chatbot.models import Conversation, Inbox, Message
from chatbot.people import audit
from chatbot.teaching.cases import MAY_TEACH
from crm.admin import ReadOnly
from crm.models import Customer, Record

EXCERPT = 110
LATEST_RECORDS = 8
LATEST_MESSAGES = 200
COLOURS = {
    Conversation.State.BOT: "info",
    Conversation.State.WAITING: "warning",
    Conversation.State.AGENT: "primary",
}


class MoodFilter(admin.SimpleListFilter):
    title = "mood"
    parameter_name = "mood"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        worst_first = [(word, word.capitalize()) for word in reversed(mood_display.BANDS)]
        return [*worst_first, ("unknown", "Not known yet")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        word = self.value()
        known = word == "unknown" or word in mood_display.BANDS
        return queryset.filter(banded(word)) if word and known else queryset


class AlertFilter(admin.SimpleListFilter):
    title = "alert"
    parameter_name = "alert"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Needs a look")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        if self.value() != "yes":
            return queryset
        return queryset.filter(alert_weight__gt=0).order_by("-alert_weight", "-last_message_at")


@admin.register(Conversation)
class ConversationAdmin(ReadOnly, ModelAdmin):
    list_display = ["customer", "latest", "mood_badge", "trend", "progress", "count", "activity"]
    list_display_links = ["customer", "latest"]
    list_filter = [MoodFilter, AlertFilter, "state", "visitor__inbox"]
    list_select_related = ["visitor__customer", "visitor__inbox"]
    list_per_page = 50
    show_full_result_count = False  # Counting all conversations takes longer than the page.
    list_fullwidth = True
    ordering = ["-last_message_at"]
    sortable_by = ["mood_badge", "activity"]
    search_fields = ["visitor__customer__name"]  # Shows the field; see get_search_results.
    search_help_text = "Customer, number or words of a message"
    fieldsets: Any = [(None, {"fields": []})]  # The page is a template, not a form.

    class Media:
        names = ["theme", "mood", "list", "panels", "conversation", "messages"]
        css = {"all": [f"chatbot/admin/{name}.css" for name in names]}

    def get_urls(self) -> list[Any]:
        live = self.admin_site.admin_view(self.live)
        attach = self.admin_site.admin_view(upload)
        answering = self.admin_site.admin_view(teach.records)
        judge = self.admin_site.admin_view(teach.teach)
        return [
            path("live/", live, name="live"),
            path("<uuid:pk>/attachments/", attach, name="attach"),
            path("<uuid:pk>/records/", answering, name="answering-records"),
            path("<uuid:pk>/messages/<int:seq>/teach/", judge, name="teach"),
            *super().get_urls(),
        ]

    def live(self, request: HttpRequest) -> TemplateResponse:
        """Serve the live inbox, whose script fetches everything over its socket."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": "Live inbox",
            "views": VIEWS,
            # Closed conversations have a view of their own.
            "states": [choice for choice in Conversation.State.choices if choice[0] in OPEN],
            "moods": [*reversed(mood_display.BANDS), "unknown"],
            "inboxes": Inbox.objects.order_by("name"),
            "attachments": kinds.limits(),
        }
        return TemplateResponse(request, "admin/chatbot/live.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Leave out conversations without messages."""
        return with_last_message(super().get_queryset(request).filter(last_seq__gt=0))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        return queryset.filter(search.matching(search_term)) if search_term else queryset, False

    @display(description="Customer")
    def customer(self, conversation: Conversation) -> SafeString:
        return format_html(
            '<span class="who"><bdi>{}</bdi><small><bdi>{}</bdi></small></span>',
            conversation.visitor,
            conversation.visitor.inbox,
        )

    @display(description="Last message")
    def latest(self, conversation: Conversation) -> SafeString:
        author = conversation.last_author  # type: ignore[attr-defined]
        return format_html(
            '<span class="excerpt"><b>{}</b> <bdi>{}</bdi></span>',
            Message.Author(author).label if author else "",
            Truncator(gist(conversation)).chars(EXCERPT),
        )

    @display(description="Mood", ordering="mood")
    def mood_badge(self, conversation: Conversation) -> SafeString:
        badge, alert = mood_display.badge(conversation.mood), conversation.alert_shown
        return (
            format_html('{}<small class="alert" dir="auto">{}</small>', badge, alert)
            if alert
            else badge
        )

    @display(description="Trend")
    def trend(self, conversation: Conversation) -> SafeString:
        return mood_display.sparkline(conversation.scores)

    @display(description="State")
    def progress(self, conversation: Conversation) -> SafeString:
        return state_label(conversation)

    @display(description="Messages")
    def count(self, conversation: Conversation) -> int:
        return conversation.last_seq

    @display(description="Last activity", ordering="last_message_at")
    def activity(self, conversation: Conversation) -> SafeString:
        return ago(conversation.last_message_at)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Conversation | None = None,
        **kwargs: Any,
    ) -> TemplateResponse:
        assert obj is not None, "Conversations are not added here."
        audit.read(obj, request.user)  # type: ignore[arg-type]  # the admin lets nobody else in
        return super().render_change_form(
            request, context | page(request, obj), *args, obj=obj, **kwargs
        )


def page(request: HttpRequest, conversation: Conversation) -> dict[str, Any]:
    customer = conversation.visitor.customer
    may_see_records = request.user.has_perm("crm.view_record")
    # Two thousand messages with traces are megabytes: earlier ones are shown on request.
    earlier = 0 if "all" in request.GET else max(0, conversation.last_seq - LATEST_MESSAGES)
    entries = list(traces.entries(conversation, earlier, link_records=may_see_records))
    return {
        "title": without_controls(str(conversation)),
        "entries": entries,
        "earlier": earlier,
        "may_teach": request.user.has_perm(MAY_TEACH) and not conversation.redacted_at,
        "new_article": new_article(request.user),
        "mood": mood_display.badge(conversation.mood),
        "chart": mood_display.chart([entry.message for entry in entries]),
        "state": state_label(conversation),
        "activity": ago(conversation.last_message_at),
        "energy": traces.energy_of_all(conversation),
        "customer": customer,
        "records": latest_records(customer) if customer and may_see_records else None,
        "records_url": records_url(customer) if customer and may_see_records else "",
    }


def latest_records(customer: Customer) -> list[tuple[Record, str]]:
    records = customer.records.filter(deleted=False).order_by("-updated_at")[:LATEST_RECORDS]
    return [(record, traces.record_url(record.id)) for record in records]


def records_url(customer: Customer) -> str:
    return f"{reverse('admin:crm_record_changelist')}?{urlencode({'customer': customer.id})}"


def state_label(conversation: Conversation) -> SafeString:
    label = {
        "text": conversation.get_state_display(),
        "type": COLOURS.get(Conversation.State(conversation.state), ""),
        "label_title": conversation.handoff_shown,
    }
    return render_to_string("unfold/helpers/label.html", label)


def ago(moment: datetime) -> SafeString:
    passed = timesince(moment, depth=1)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        date_format(timezone.localtime(moment), "j F Y, H:i"),
        "just now" if passed.startswith("0") else f"{passed} ago",
    )
