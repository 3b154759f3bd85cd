"""Plans for files: choices that were made once, and where the next files come from."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from crm.admin.asked import confirmed, page_of
from crm.admin.import_forms import ROLES, PlanForm
from crm.importing import jobs, plans, runs
from crm.models import ImportPlan
from crm.plumbing import background

PLACE = (
    "Attune can fetch the next files itself, from a folder on the server or from an address inside "
    "your network. It does not read files again that have not changed. If it removes what is "
    "missing, it reads only the newest table in a folder."
)


@admin.register(ImportPlan)
class ImportPlanAdmin(ModelAdmin):
    list_display = ["name", "kind", "place", "every_hours", "looked_at"]
    search_fields = ["name", "kind"]
    search_help_text = "Name or kind"
    readonly_fields = ["meanings", "namespace", "looked_at"]
    actions_detail = ["import_now", "remove_all"]

    class Media:
        css = {"all": ["chatbot/admin/theme.css", "chatbot/admin/panels.css", "crm/import.css"]}

    def get_form(
        self, request: HttpRequest, obj: ImportPlan | None = None, change: bool = False, **_: Any
    ) -> type[forms.ModelForm]:
        if obj and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change)

        class Choices(PlanForm):
            columns = obj.heads if obj and obj.columns else []
            asks_order = obj is not None and obj.day_first is not None

            class Meta(PlanForm.Meta):
                fields = self.own_fields(request, obj)

        return Choices

    def own_fields(self, request: HttpRequest, plan: ImportPlan | None) -> list[str]:
        of_table = ["kind", "shared"] if plan and plan.columns else []
        is_own = plan and plan.heads and not plan.columns
        # With a file's own ids, somebody may overwrite what a CRM has sent.
        own = ["own_ids"] if is_own and request.user.has_perm("crm.change_source") else []
        of_texts = [] if plan and plan.heads else ["publish"]
        return ["name", *of_table, *own, *of_texts, "remove_missing", "place", "every_hours"]

    def get_fieldsets(self, request: HttpRequest, obj: ImportPlan | None = None) -> Any:
        may = obj is None or self.has_change_permission(request, obj)
        first = self.own_fields(request, obj)[:-2]
        place = {"fields": ["place", "every_hours"], "description": PLACE}
        sets: list[Any] = [(None, {"fields": first}), ("Where files come from", place)]
        if obj and obj.columns:
            order = [] if obj.day_first is None else ["order"]
            roles = [*(f"role_{role}" for role in ROLES), *order, "left_out"]
            sets.insert(1, ("What the columns are", {"fields": roles if may else ["meanings"]}))
        if obj:
            sets.append(("Kept by Attune", {"fields": ["namespace", "looked_at"]}))
        return sets

    @display(description="Columns")
    def meanings(self, plan: ImportPlan) -> SafeString:
        chosen = [(ROLES[role][0], name) for role, name in plan.columns.items()]
        return format_html_join("", "<p>{}: {}</p>", chosen)

    def save_model(
        self, request: HttpRequest, obj: ImportPlan, form: forms.ModelForm, change: bool
    ) -> None:
        assert isinstance(form, PlanForm)
        plans.save(form.plan())

    def found(self, request: HttpRequest, object_id: str) -> ImportPlan:
        if (plan := self.get_object(request, unquote(object_id))) is None:
            raise Http404("There is no such import plan.")
        return plan

    @action(description="Import now", permissions=["change"])
    def import_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        plan = self.found(request, object_id)

        def start() -> str:
            background.slowly(jobs.look_at_place, plan.pk, True)
            messages.info(request, "Attune is fetching the files. See “Imports” in a moment.")
            return page_of(plan)

        text = f"Attune will import all files at {plan.place}, even those that have not changed."
        if not plan.place:
            messages.warning(request, "Give this import plan a folder or an address first.")
            return HttpResponseRedirect(page_of(plan))
        return confirmed(request, plan, "Import now", text, start)

    @action(description="Remove what it imported …", permissions=["delete"])
    def remove_all(self, request: HttpRequest, object_id: str) -> HttpResponse:
        plan = self.found(request, object_id)

        def remove() -> str:
            count = runs.remove_all(plan)
            messages.info(request, f"Records and articles removed: {count:,}.")
            return page_of(plan)

        records, articles = (len(plans.known_ids(plan, of_table)) for of_table in (True, False))
        text = (
            f"This import plan has imported {records:,} records and {articles:,} articles. "
            "Customers will no longer see them. The next import brings back what its file holds."
        )
        return confirmed(request, plan, "Remove them", text, remove)
