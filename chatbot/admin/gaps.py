"""Questions without an answer: the list of gaps with the weekly figures, and a gap's page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.console.traces import record_url
from chatbot.gaps import asking, counting
from chatbot.gaps.weeks import weeks
from chatbot.models import Gap, GapQuestion
from chatbot.people.roles import MAY_SEE
from chatbot.teaching.cases import pk_of
from crm.admin import ReadOnly
from crm.admin.many import ShortPaginator
from crm.admin.records import link
from crm.models import Record

State = Gap.State
COLOURS = {State.OPEN: "warning", State.CLOSED: "success", State.IGNORED: ""}
# Questions on a gap's page, the newest; asking again takes no more either.
SHOWN = asking.MOST


class StateFilter(admin.SimpleListFilter):
    """Shows the open gaps unless another state is chosen."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*State.choices[1:], ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        return [first | {"display": State.OPEN.label}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Gap]) -> QuerySet[Gap]:
        state = self.value() or State.OPEN
        return queryset if state == "all" else queryset.filter(state=state)


class ArticleFilter(admin.SimpleListFilter):
    title, parameter_name = "article", "article"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "With an article"), ("no", "Without an article")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Gap]) -> QuerySet[Gap]:
        without = {"yes": False, "no": True}.get(self.value() or "")
        return queryset if without is None else queryset.filter(article__isnull=without)


@dataclass(frozen=True)
class Row:
    """A question on a gap's page."""

    question: GapQuestion
    conversation: str
    before: str
    verdict: str


def compared(now: int, before: int) -> tuple[str, str]:
    """Return an arrow and words that compare a count with the one before it."""
    if now == before:
        return "→", "as many as"
    return ("↑", f"up from {before}") if now > before else ("↓", f"down from {before}")


@admin.register(Gap)
class GapAdmin(ReadOnly, ModelAdmin):
    """Nobody adds or deletes a gap: its questions would be grouped again."""

    list_display = ["subject", "count", "trend", "nearest_record", "progress"]
    list_filter = [
        StateFilter,
        ArticleFilter,
        "questions__why",
        "questions__message__conversation__visitor__inbox",
    ]
    search_fields = ["label"]
    search_help_text = "Words in the question"
    sortable_by = ["count", "trend"]
    list_per_page = 50
    paginator = ShortPaginator
    show_full_result_count = False
    list_after_template = "admin/chatbot/gap/weeks.html"
    fieldsets: Any = [(None, {"fields": []})]  # The page is a template, not a form.

    class Media:
        css = {"all": [f"chatbot/admin/{name}.css" for name in ("theme", "panels", "gaps")]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Gap]:
        records = Record.objects.filter(id=OuterRef("nearest"), deleted=False)
        title = Subquery(records.values("title")[:1])
        return super().get_queryset(request).select_related("article").annotate(title=title)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"weeks": weeks()} | (extra_context or {}))

    # --- the list

    @display(description="Customers ask", ordering="label")
    def subject(self, gap: Gap) -> SafeString:
        return format_html('<span class="asked-about" dir="auto">{}</span>', gap)

    @display(description="Last seven days", ordering="last_week")
    def trend(self, gap: Gap) -> SafeString:
        arrow, words = compared(gap.last_week, gap.week_before)
        return format_html(
            '<span class="trend"><span aria-hidden="true">{}</span> {}<small>{}</small></span>',
            arrow,
            gap.last_week,
            f"{words} in the week before",
        )

    @display(description="Closest article or record")
    def nearest_record(self, gap: Gap) -> str | SafeString:
        title = gap.title  # type: ignore[attr-defined]  # annotated above
        return link(page_of(gap.nearest), title) if title else "none"

    @display(description="State", label=COLOURS, ordering="state")
    def progress(self, gap: Gap) -> tuple[str, str]:
        return gap.state, gap.get_state_display()

    # --- a gap's page

    def get_urls(self) -> list[Any]:
        acts: dict[str, Callable[[Gap], str]] = {
            "ask": ask_again,
            "stop": stop,
            "close": close,
            "ignore": ignore,
            "open": open_again,
        }
        return [
            path(f"<int:pk>/{name}/", self.changing(act), name=f"gap-{name}")
            for name, act in acts.items()
        ] + super().get_urls()

    def changing(self, act: Callable[[Gap], str]) -> Any:
        """Return the view of a button that changes the gap. act: returns what to tell the user."""

        def view(request: HttpRequest, pk: int) -> HttpResponse:
            if not request.user.has_perm("chatbot.change_gap"):
                raise PermissionDenied
            gap = get_object_or_404(Gap, pk=pk)
            messages.success(request, act(gap))
            return HttpResponseRedirect(reverse("admin:chatbot_gap_change", args=[pk]))

        return self.admin_site.admin_view(require_POST(view))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Gap | None = None,
        **kwargs: Any,
    ) -> TemplateResponse:
        assert obj is not None, "Gaps are not added here."
        return super().render_change_form(
            request, context | page(request, obj), *args, obj=obj, **kwargs
        )


def page(request: HttpRequest, gap: Gap) -> dict[str, Any]:
    may, of_gap = request.user.has_perm, urlencode({"gap": gap.pk})
    may_read = may(MAY_SEE)
    rows = list(map(row, newest(gap)))
    hit = counting.nearest(gap.label) if gap.label else None
    waiting = sum(one.question.waiting for one in rows)
    return {
        "title": str(gap),
        "state": gap.get_state_display(),
        "rows": rows if may_read else [],
        "may_read": may_read,
        "may_change": may("chatbot.change_gap"),
        "nearest": hit,
        "nearest_page": page_of(hit.record) if hit and may("crm.view_record") else "",
        "write": f"{reverse('admin:crm_article_add')}?{of_gap}&{urlencode({'title': gap.label})}"
        if may("crm.add_article")
        else "",
        "extend": f"{page_of(hit.record)}?{of_gap}"
        if hit and pk_of(hit.record) and may("crm.change_article")
        else "",
        "article_page": page_of(gap.article.record)
        if gap.article and may("crm.view_article")
        else "",
        "waiting": waiting,
        "done": len(rows) - waiting,
        "answered": asking.all_answered([one.verdict for one in rows]),
    }


def newest(gap: Gap) -> QuerySet[GapQuestion]:
    related = gap.questions.select_related(
        "message__conversation__visitor__customer", "message__reply__answer"
    )
    return related[:SHOWN]


def row(question: GapQuestion) -> Row:
    message = question.message
    conversation = reverse("admin:chatbot_conversation_change", args=[message.conversation_id])
    return Row(
        question,
        f"{conversation}#message-{message.seq}",
        asking.said(question),
        asking.verdict(question),
    )


def page_of(record: str) -> str:
    """Return the page of a record: the article's own if it was written here."""
    if pk := pk_of(record):
        return reverse("admin:crm_article_change", args=[pk])
    return record_url(record)


# --- the buttons


def ask_again(gap: Gap) -> str:
    asking.start(gap)
    count = gap.questions.filter(waiting=True).count()
    return (
        f"{count} question{pluralize(count)} will be asked again, with the drafts of all articles."
    )


def stop(gap: Gap) -> str:
    asking.stop(gap)
    return "Attune asks no more questions. The answers so far are below."


def close(gap: Gap) -> str:
    Gap.objects.filter(pk=gap.pk).update(state=State.CLOSED, closed_at=timezone.now())
    return "The group is closed. It opens again if a customer asks about it and gets no answer."


def ignore(gap: Gap) -> str:
    Gap.objects.filter(pk=gap.pk).update(state=State.IGNORED, closed_at=None)
    return "The group is set aside. The list of open groups no longer shows questions like these."


def open_again(gap: Gap) -> str:
    Gap.objects.filter(pk=gap.pk).update(state=State.OPEN, closed_at=None)
    return "The group is open again."
