"""Imports: files are uploaded, somebody says what their columns mean, and a worker stores them."""

import csv
from collections.abc import Collection
from contextlib import nullcontext
from datetime import UTC
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from crm.admin.asked import page_of
from crm.admin.import_forms import NEW, PlanForm, UploadForm
from crm.importing import files, mapping, plans, runs, samples
from crm.knowledge import records
from crm.knowledge.passages import passages as cut
from crm.models import Import, ImportPlan
from crm.plumbing.storable import RecordError

State = Import.State
COLOURS = {
    State.READING: "info",
    State.ASKING: "warning",
    State.RUNNING: "info",
    State.DONE: "success",
    State.FAILED: "danger",
    State.CANCELLED: "danger",
}
BUSY = {State.READING, State.RUNNING}
SHOWN_ERRORS = 100
# In the order in which counts are shown.
WORDS = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "stale": "older than what is stored",
    "edited here": "left as they are, because somebody has edited them here",
    "removed": "removed",
    "errors": "not imported",
}
# Characters with which a cell of a spreadsheet becomes a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@admin.register(Import)
class ImportAdmin(ModelAdmin):
    list_display = ["name", "shown_state", "progress", "outcome", "plan", "by", "at"]
    list_display_links = ["name"]
    list_filter = ["state", "plan"]
    list_select_related = ["plan", "by"]
    search_fields = ["name"]
    search_help_text = "Name of the file"
    actions_list = ["import_files"]
    show_add_link = False  # "Import files" leads there.

    class Media:
        js = [Script("crm/import.js", type="module")]
        css = {"all": ["chatbot/admin/theme.css", "chatbot/admin/panels.css", "crm/import.css"]}

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, run: Import) -> tuple[str, str]:
        return run.state, run.get_state_display()

    @display(description="Progress")
    def progress(self, run: Import) -> str | SafeString:
        text = progress_of(run)
        return format_html("<span data-busy>{}</span>", text) if run.state in BUSY else text

    @display(description="Outcome")
    def outcome(self, run: Import) -> str:
        return run.reason or ", ".join(f"{count:,} {word}" for word, count in counts_of(run))

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:id>/progress/", wrapped(self.progress_view), name="import-progress"),
            path("<int:id>/cancel/", wrapped(require_POST(self.cancel_view)), name="import-cancel"),
            path("<int:id>/errors/", wrapped(self.errors_view), name="import-errors"),
            *super().get_urls(),
        ]

    # --- upload

    @action(description="Import files", permissions=["add"])
    def import_files(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:crm_import_add"))

    def add_view(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            return self.uploaded(request, form)
        context = {"title": "Import files", "form": form, "back": list_page()}
        return self.shown(request, "upload", context)

    def uploaded(self, request: HttpRequest, form: UploadForm) -> HttpResponse:
        given = [(file.name, partial(nullcontext, file)) for file in form.cleaned_data["file"]]
        new = form.cleaned_data["plan"] == NEW
        started = [
            runs.start(name, file, form.chosen(), request.user, new=new)  # type: ignore[arg-type]  # somebody who is logged in
            for name, file in files.kept(given)
        ]
        return HttpResponseRedirect(page_of(started[0]))

    # --- one import

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        if (run := self.get_object(request, unquote(object_id))) is None:
            raise Http404("There is no such import.")
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        if request.method == "POST" and not self.may_start(request, run):
            raise PermissionDenied
        if run.state == State.ASKING:
            return self.asking(request, run)
        context = about(run) | {"may_change": self.has_change_permission(request, run)}
        waiting = Import.objects.filter(state=State.ASKING, by_id=request.user.pk)
        context["waiting"] = waiting.exclude(pk=run.pk).order_by("pk")
        return self.shown(request, "change_form", context)

    def asking(self, request: HttpRequest, run: Import) -> HttpResponse:
        """Show the choices with their preview, and start with them."""
        form = form_of(run, request)
        if request.method == "POST" and form.is_valid() and "start" in request.POST:
            plan = form.plan()
            plans.save(plan)
            if not runs.begin(run, plan):
                messages.warning(request, "Somebody else has started or cancelled this import.")
            return HttpResponseRedirect(page_of(run))
        context = about(run) | {
            "form": form,
            "may_change": self.may_start(request, run),
            "rows": previewed(form, run) if "table" in run.preview else [],
            "problems": form.is_bound and not form.is_valid() and "start" in request.POST,
        }
        return self.shown(request, "asking", context)

    def may_start(self, request: HttpRequest, run: Import) -> bool:
        plan = ("crm.add_importplan", "crm.change_importplan")
        return self.has_change_permission(request, run) and request.user.has_perms(plan)

    def shown(self, request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
        whole = self.admin_site.each_context(request) | {"opts": self.opts} | context
        return TemplateResponse(request, f"admin/crm/import/{page}.html", whole)

    # --- further addresses of an import

    def found(self, request: HttpRequest, id: int) -> Import:
        run = get_object_or_404(Import, pk=id)
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        return run

    def progress_view(self, request: HttpRequest, id: int) -> JsonResponse:
        run = self.found(request, id)
        shown = {"state": run.state, "text": progress_of(run), "done": run.done, "total": run.total}
        return JsonResponse(shown)

    def cancel_view(self, request: HttpRequest, id: int) -> HttpResponse:
        run = self.found(request, id)
        if not self.has_change_permission(request, run):
            raise PermissionDenied
        runs.cancel(run)
        return HttpResponseRedirect(page_of(run))

    def errors_view(self, request: HttpRequest, id: int) -> HttpResponse:
        run = self.found(request, id)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="import-{run.pk}-errors.csv"'
        writer = csv.writer(response)
        writer.writerow(["where", "why"])
        writer.writerows([plain(cell) for cell in error] for error in run.errors)
        return response


def list_page() -> str:
    return reverse("admin:crm_import_changelist")


def plain(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def counts_of(run: Import) -> list[tuple[str, int]]:
    return [(text, run.counts[word]) for word, text in WORDS.items() if run.counts.get(word)]


def progress_of(run: Import) -> str:
    if run.state == State.READING:
        return "reading the file"
    what = "rows" if "table" in run.preview else "texts"
    if run.state == State.ASKING:
        return f"{run.total:,} {what} found"
    return f"{run.done:,} of {run.total:,} {what}"


def about(run: Import) -> dict[str, Any]:
    return {
        "title": run.name,
        "run": run,
        "busy": run.state in BUSY,
        "progress": progress_of(run),
        "done": run.done,
        # While the file is read, nobody knows yet how much there is to do.
        "total": max(1, run.total) if run.state == State.RUNNING else 0,
        "counts": counts_of(run),
        "errors": run.errors[:SHOWN_ERRORS],
        "more_errors": max(0, run.counts.get("errors", 0) - SHOWN_ERRORS),
        "back": list_page(),
    }


# --- the choices


def form_of(run: Import, request: HttpRequest) -> PlanForm:
    """Return the form of the choices that this import needs, with its plan's or with guesses."""
    preview = run.preview
    plan = run.plan or guessed(run)
    is_table, is_own = "table" in preview, bool(preview.get("own_form")) and not plan.columns
    may_own = is_own and request.user.has_perm("crm.change_source")
    shown = ["name", "remove_missing"]
    shown += ["own_ids"] if may_own else []
    shown += ["publish"] if not is_table else []
    shown += ["kind", "shared"] if is_table and not is_own else []

    class Choices(PlanForm):
        columns = preview["columns"] if is_table and not is_own else []
        unique = preview.get("unique")
        few = preview.get("few")
        asks_order = bool(preview.get("ambiguous"))

        class Meta(PlanForm.Meta):
            fields = shown

    if is_own:
        plan.heads = preview["columns"]
    form = Choices(request.POST if request.method == "POST" else None, instance=plan)
    if run.plan and not is_own and is_table:
        new = [name for name in preview["left_out"] if name not in run.plan.heads]
        form.fields["left_out"].initial = [*plan.left_out, *new]
    return form


def guessed(run: Import) -> ImportPlan:
    """Return a new plan with what was guessed; for documents, the plan that all of them share."""
    preview = run.preview
    if "table" not in preview:
        return plans.for_documents()
    own = preview.get("own_form")
    kind = "" if own else preview["kind"]
    return ImportPlan(
        name=plans.free_name(run.name.rpartition(".")[0][:80] or run.name[:80]),
        kind=kind,
        columns={} if own else preview["guessed"],
        left_out=[] if own else preview["left_out"],
        day_first=preview.get("day_first"),
    )


def previewed(form: PlanForm, run: Import) -> list[dict[str, Any]]:
    """Return rows that differ as the bot will read them with the form's choices."""
    plan = chosen(form)
    if not run.preview.get("own_form") and ("id" not in plan.columns or not plan.kind):
        return []
    plan.namespace = plan.namespace or "new"
    commas = run.preview.get("decimal_commas", ())
    rows = samples.shown(run.preview.get("rows", []), plan)
    return [preview_of(plan, row, commas) for row in rows]


def chosen(form: PlanForm) -> ImportPlan:
    if form.is_bound:
        form.is_valid()
        return form.plan()
    plan: ImportPlan = form.instance
    if "left_out" in form.fields:
        plan.left_out = form.fields["left_out"].initial
        known = {name for role, name in plan.columns.items() if name in form.columns}
        plan.columns = {role: name for role, name in plan.columns.items() if name in known}
    return plan


def preview_of(plan: ImportPlan, row: dict[str, Any], commas: Collection[str]) -> dict[str, Any]:
    try:
        record = records.parse(mapping.record_row(plan, row, timezone.now(), commas))
    except RecordError as error:
        return {"error": f"{str(error)[:1].upper()}{str(error)[1:]}."}
    passages = cut(record)
    return {
        "title": record.title,
        "customer": record.customer_id,
        "text": "\n\n".join(passage.partition("\n")[2] for passage in passages),
        "changed": record.updated_at.astimezone(UTC) if "updated_at" in plan.columns else None,
    }
