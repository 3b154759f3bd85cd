"""Test runs: started, watched, compared side by side, and then the drafts published."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.admin import playground
from chatbot.admin.cases import UploadForm
from chatbot.models import Case, Inbox, TestResult, TestRun
from chatbot.teaching import questions, results, runs
from chatbot.teaching.judging import JUDGED, OUTCOMES, RIGHT, same
from crm.admin.article_form import author
from crm.articles import drafts, editing
from crm.models import Article, ArticleVersion

CASES, FILE, WEEK = "cases", "file", "week"
LAST_WEEK = timedelta(days=7)
# Rows of a run that its page shows: those that differ or are wrong come first.
SHOWN = 300
MAY_PUBLISH = "crm.change_article"


class StartForm(UploadForm):
    which = forms.ChoiceField(
        label="Questions",
        choices=[
            (CASES, "All active test questions"),
            (WEEK, "What customers asked in the last week"),
            (FILE, "A file of JSON lines"),
        ],
        initial=CASES,
        widget=forms.RadioSelect,
    )
    inbox = forms.ModelChoiceField(
        Inbox.objects.order_by("name"),
        required=False,
        label="Inbox",
        empty_label="every inbox",
    )
    with_drafts = forms.BooleanField(
        required=False, initial=True, label="Also ask with the drafts of articles"
    )
    field_order = ["which", "file", "inbox", "with_drafts"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].required = False

    def clean_file(self) -> Any:
        return super().clean_file() if self.cleaned_data.get("file") else None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("which") == FILE and not data.get("file") and "file" not in self.errors:
            self.add_error("file", "Choose the file.")
        elif not self.errors:
            data["questions"] = self.questions(data)
            if not data["questions"]:
                raise ValidationError("No questions found. Choose others, or another inbox.")
        return data

    def questions(self, data: dict[str, Any]) -> list[TestResult]:
        if data["which"] == WEEK:
            return list(questions.asked_since(timezone.now() - LAST_WEEK, data["inbox"]))
        if data["which"] == FILE:
            good, errors = self.rows()
            if errors:
                self.add_error("file", errors[:3])
            return [
                TestResult(customer=one.customer, asked=questions.as_asked(one)) for one in good
            ]
        return list(questions.active_cases(data["inbox"]))

    def name(self) -> str:
        data = self.cleaned_data
        names = dict(self.fields["which"].choices)  # type: ignore[attr-defined]
        what = data["file"].name if data["which"] == FILE else names[data["which"]]
        return f"{what}, {data['inbox']}" if data["inbox"] and data["which"] != FILE else what


@admin.register(TestRun)
class TestRunAdmin(ModelAdmin):
    list_display = ["name", "standing", "right_live", "right_draft", "changed", "by", "at"]
    list_filter = ["state", "nightly"]
    list_select_related = ["by"]
    search_fields = ["name"]

    class Media:
        names = ["theme", "panels", "teaching"]
        css = {"all": [f"chatbot/admin/{name}.css" for name in names]}

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("playground/", wrapped(playground.playground), name="playground"),
            path(
                "playground/customers/",
                wrapped(playground.customers),
                name="playground-customers",
            ),
            path("playground/records/", wrapped(playground.records), name="playground-records"),
            path("playground/keep/", wrapped(playground.keep), name="playground-keep"),
            path("<int:run>/progress/", wrapped(self.progress), name="test-run-progress"),
            *super().get_urls(),
        ]

    # --- the list

    @display(description="State")
    def standing(self, run: TestRun) -> str:
        words = run.get_state_display()
        return f"{words}, {run.done} of {run.total}" if run.state in runs.OPEN else words

    @display(description="Right, live")
    def right_live(self, run: TestRun) -> str:
        return of_judged(run.figures.get("live"))

    @display(description="Right, with drafts")
    def right_draft(self, run: TestRun) -> str:
        return of_judged(run.figures.get("draft"))

    @display(description="Changed")
    def changed(self, run: TestRun) -> str:
        return str(run.figures.get("changed", "")) if run.drafts else ""

    # --- starting

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = StartForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            run = runs.start(
                form.name(), data["questions"], person(request), with_drafts=data["with_drafts"]
            )
            if data["with_drafts"] and not run.drafts:
                messages.info(request, "There are no drafts, so the run uses what is published.")
            return HttpResponseRedirect(page_of(run))
        context = self.admin_site.each_context(request) | {
            "title": "Run test questions",
            "form": form,
            "active": Case.objects.filter(active=True).count(),
        }
        return TemplateResponse(request, "admin/chatbot/testrun/start.html", context)

    # --- one run

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show a run (GET); cancel it, or publish all drafts after it (POST)."""
        run = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, run):
            raise PermissionDenied
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            return self.act(request, run)
        rows = ordered(run) if run.state not in runs.OPEN else []
        publishes = may_publish(request) and run.state == runs.State.DONE and run.drafts
        context = self.page(request, run) | {
            "counts": counts(run),
            "rows": rows[:SHOWN],
            "more": max(0, len(rows) - SHOWN),
            "worse": len(results.worse(run)) if run.drafts else 0,
            "waiting": listed(run) if publishes else [],
        }
        return TemplateResponse(request, "admin/chatbot/testrun/page.html", context)

    def page(self, request: HttpRequest, run: TestRun) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {
            "title": run.name,
            "run": run,
            "open": run.state in runs.OPEN,
            "may_change": self.has_change_permission(request, run),
        }

    def act(self, request: HttpRequest, run: TestRun) -> HttpResponse:
        if not self.has_change_permission(request, run):
            raise PermissionDenied
        wish = request.POST.get("act")
        if wish == "cancel":
            runs.cancel(run)
            messages.info(request, "The run stops after the current question.")
        elif wish == "publish":
            return self.publish(request, run)
        return HttpResponseRedirect(page_of(run))

    def publish(self, request: HttpRequest, run: TestRun) -> HttpResponse:
        """Publish the chosen drafts; ask again first if some questions would be answered worse."""
        if not may_publish(request) or run.state != runs.State.DONE or not run.drafts:
            raise PermissionDenied
        chosen = {int(pk) for pk in request.POST.getlist("article") if pk.isdecimal()}
        waiting = [one for one in drafts.waiting() if one.pk in chosen]
        if not waiting:
            messages.warning(request, "Tick the drafts that you want to publish.")
            return HttpResponseRedirect(page_of(run))
        worse, later = results.worse(run), [one for one in waiting if one.changed_at > run.at]
        if (worse or later) and request.POST.get("sure") != "yes":
            context = self.page(request, run) | {"worse": worse, "later": later, "all": waiting}
            return TemplateResponse(request, "admin/chatbot/testrun/publish.html", context)
        published = publish_all(waiting, run, person(request))
        messages.success(
            request, f"{published} draft{pluralize(published)} published for customers."
        )
        return HttpResponseRedirect(page_of(run))

    def progress(self, request: HttpRequest, run: int) -> JsonResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = get_object_or_404(TestRun, id=run)
        body = {"done": row.done, "total": row.total, "open": row.state in runs.OPEN}
        return JsonResponse(body, headers={"Cache-Control": "no-store"})


def may_publish(request: HttpRequest) -> bool:
    return request.user.has_perm(MAY_PUBLISH)


def listed(run: TestRun) -> list[dict[str, Any]]:
    """Return the drafts with who changed them last, and whether the run has asked with them."""
    articles = list(drafts.waiting())
    versions = ArticleVersion.objects.filter(article__in=[one.pk for one in articles])
    newest = {one.article_id: one for one in versions.select_related("by").order_by("number")}
    return [
        {
            "article": one,
            "by": author(newest.get(one.pk)),
            "tested": one.changed_at <= run.at,
            "page": reverse("admin:crm_article_change", args=[one.pk]),
        }
        for one in articles
    ]


@transaction.atomic
def publish_all(articles: list[Article], run: TestRun, by: User) -> int:
    # Read again under a lock: somebody may be saving one of them.
    locked = Article.objects.select_for_update().filter(pk__in=[one.pk for one in articles])
    shown = locked.exclude(state=Article.State.ARCHIVED)
    for article in shown:
        editing.publish(article, by=by, note=f"published after the test run {run.pk}")
    return len(shown)


def person(request: HttpRequest) -> User:
    assert isinstance(request.user, User), "The admin lets nobody else in."
    return request.user


def page_of(run: TestRun) -> str:
    return reverse("admin:chatbot_testrun_change", args=[run.pk])


def of_judged(side: dict[str, int] | None) -> str:
    """Return "12 of 15", or "" if nothing was judged."""
    judged = sum((side or {}).get(name, 0) for name in JUDGED)
    return f"{(side or {})[RIGHT]} of {judged}" if judged else ""


def counts(run: TestRun) -> list[tuple[str, list[int]]]:
    """Return a row for each outcome that occurs: its name, and its count on each side."""
    sides = [run.figures[name] for name in ("live", "draft") if name in run.figures]
    rows = [(name, [side.get(name, 0) for side in sides]) for name in OUTCOMES]
    return [(name, values) for name, values in rows if any(values)]


def ordered(run: TestRun) -> list[dict[str, Any]]:
    """Return the rows with an answer: first those that the drafts make wrong, then those that are
    wrong, then those that differ."""
    answered = run.results.exclude(live={}).select_related("customer").order_by("id")
    rows = [described(row) for row in answered]
    return sorted(rows, key=lambda row: row["rank"])


def described(row: TestResult) -> dict[str, Any]:
    live, draft = row.live, row.draft
    differs = bool(draft) and not same(live, draft)
    spoilt = bool(draft) and live["outcome"] == RIGHT != draft["outcome"]
    wrong = any(side and side["outcome"] in JUDGED[1:] for side in (live, draft))
    sides = [("Live", live)]
    if differs or (draft and draft["outcome"] != live["outcome"]):
        sides.append(("With drafts", draft))
    return {
        "asked": row.asked,
        "customer": row.customer,
        "case": row.case_id,
        "sides": sides,
        "differs": differs,
        "spoilt": spoilt,
        "expected": expected(row.asked),
        "rank": 0 if spoilt else 1 if wrong else 2 if differs else 3,
    }


def expected(asked: dict[str, Any]) -> str:
    expect = asked.get("expect")
    if isinstance(expect, str):
        return expect
    groups = [" or ".join(group) for group in expect or []]
    return "; ".join([*groups, *filter(None, [asked.get("record", "")])])
