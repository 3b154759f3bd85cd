"""Test questions: what people taught, wrote or uploaded."""

import json
from itertools import islice
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from chatbot.models import Case
from chatbot.models.replies import Ending
from chatbot.teaching import cases, questions
from chatbot.wire.errors import Refused
from crm.admin.list_field import LinesField
from inference.evaluation.answers import REFUSE

EXCERPT = 100
# Errors of an uploaded file that are shown.
SHOWN = 20
HOLDS = "holds"
KINDS = {
    HOLDS: "An answer that contains all of the texts below, or that cites the record",
    REFUSE: "A refusal: it is not on record",
    Ending.HANDED_OFF: "A person takes over",
    Ending.CHAT: "Small talk",
    Ending.PROPOSED: "The offer of an action",
    Ending.ANSWERED: "Any answer from the records",
}
BETWEEN = "|"


def alternatives(line: str) -> str:
    """Return "30 days | thirty days" with single blanks; refuse an empty part."""
    parts = [part.strip() for part in line.split(BETWEEN)]
    if not all(parts):
        raise ValidationError(f"Write a text on each side of “{BETWEEN}” in {line!r}.")
    return f" {BETWEEN} ".join(parts)


class CaseForm(forms.ModelForm):
    kind = forms.ChoiceField(
        label="A right answer is",
        choices=list(KINDS.items()),
        widget=UnfoldAdminSelectWidget(),
    )
    texts = LinesField(
        alternatives,
        "30 days | thirty days",
        "One per line. Separate alternatives with “|”: any one of them will do. Capitals do not "
        "matter.",
    )
    texts.label = "It contains"
    record = forms.CharField(
        required=False,
        max_length=700,
        widget=UnfoldAdminTextInputWidget(),
        help_text="The title or id of the record that answers. It must be cited if no texts are "
        "given.",
    )

    class Meta:
        model = Case
        fields = ["question", "customer", "inbox", "record", "answer", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        expect = self.instance.expect
        if self.instance.record and "record" in self.fields:
            self.initial["record"] = cases.titled(self.instance.record)
        if "kind" in self.fields and isinstance(expect, str):
            self.initial["kind"] = expect
        elif "texts" in self.fields:
            self.initial["texts"] = [f" {BETWEEN} ".join(group) for group in expect]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        record, customer, inbox = (data.get(name) for name in ("record", "customer", "inbox"))
        if record:
            owner = customer.pk if customer else None
            try:
                data["record"] = cases.resolved(record, owner, inbox.key if inbox else "")
            except Refused as refused:
                self.add_error("record", refused.text)
        nothing = not data.get("texts") and not record and not self.instance.forbid
        if data.get("kind") == HOLDS and nothing:
            self.add_error("texts", "Write what a right answer contains, or name its record.")
        groups = [line.split(f" {BETWEEN} ") for line in data.get("texts") or []]
        self.instance.expect = groups if data.get("kind") == HOLDS else data.get("kind", [])
        return data


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File of JSON lines",
        help_text="In the format of “Export all” or of manage.py evaluate answers.",
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > questions.MOST_BYTES:
            megabytes = questions.MOST_BYTES // 1_000_000
            raise ValidationError(f"The file is too large: it may have at most {megabytes} MB.")
        return file

    def rows(self) -> tuple[list[Case], list[str]]:
        """Return the questions of the file, and a sentence for each line that is none."""
        most = questions.MOST_QUESTIONS
        found = list(islice(questions.cases_of(self.cleaned_data["file"]), most + 1))
        if len(found) > most:
            found[most:] = [questions.BadLine(f"Only the first {most:,} questions were read.")]
        good = [one for one in found if isinstance(one, Case)]
        return good, [str(one) for one in found if isinstance(one, questions.BadLine)]


@admin.register(Case)
class CaseAdmin(ModelAdmin):
    form = CaseForm
    fields = ["question", "said_before", "customer", "inbox", "kind", "texts", "record"]
    fields += ["answer", "active", "judged"]
    readonly_fields = ["said_before", "judged"]
    autocomplete_fields = ["customer"]
    list_display = ["excerpt", "expected", "verdict", "customer", "inbox", "by", "at", "active"]
    list_filter = ["verdict", "active", "inbox"]
    list_select_related = ["customer", "inbox", "by"]
    search_fields = ["question", "answer"]
    change_list_template = "admin/chatbot/case/change_list.html"
    actions = ["export_chosen", "switch_off", "switch_on"]

    class Media:
        names = ["theme", "panels", "teaching"]
        css = {"all": [f"chatbot/admin/{name}.css" for name in names]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Agents teach at the answers themselves, where a conversation belongs to the question."""
        return super().has_add_permission(request) and request.user.has_perm("chatbot.change_case")

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("upload/", wrapped(self.upload), name="upload-cases"),
            path("export/", wrapped(self.export), name="export-cases"),
            *super().get_urls(),
        ]

    def save_model(
        self, request: HttpRequest, obj: Case, form: forms.ModelForm, change: bool
    ) -> None:
        if not change:
            obj.by_id = request.user.pk
        # Somebody has just looked at what is expected: see questions.outdated.
        obj.at = timezone.now()
        super().save_model(request, obj, form, change)

    # --- the list

    @display(description="Question", ordering="question")
    def excerpt(self, case: Case) -> SafeString:
        return format_html('<span dir="auto">{}</span>', Truncator(case.question).chars(EXCERPT))

    @display(description="A right answer")
    def expected(self, case: Case) -> str:
        return Truncator(in_words(case)).chars(EXCERPT)

    @display(description="Said before")
    def said_before(self, case: Case) -> SafeString:
        lines = case.before.get("history", []) if case.pk else []
        if not lines:
            return format_html("{}", "nothing: this is the first question")
        items = [format_html("<li><b>{}</b> <bdi>{}</bdi></li>", *line) for line in lines]
        return format_html("<ul>{}</ul>", SafeString("".join(items)))

    @display(description="Judged")
    def judged(self, case: Case) -> SafeString:
        if case.message is None:
            return format_html("{}", case.get_verdict_display() if case.pk else "not yet")
        seq, conversation = case.message.seq, case.message.conversation_id
        page = reverse("admin:chatbot_conversation_change", args=[conversation])
        words = case.get_verdict_display()
        return format_html('{}: <a href="{}#message-{}">see the answer</a>', words, page, seq)

    # --- files

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Add the questions of a file: the good lines, with a sentence for each bad one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        context = self.admin_site.each_context(request) | {"title": "Upload test questions"}
        if request.method == "POST" and form.is_valid():
            good, errors = form.rows()
            for case in good:
                case.by_id = request.user.pk
            Case.objects.bulk_create(good, batch_size=500)
            messages.info(request, f"{len(good)} test question{pluralize(len(good))} added.")
            if not errors:
                return HttpResponseRedirect(reverse("admin:chatbot_case_changelist"))
            context |= {"errors": errors[:SHOWN], "more": max(0, len(errors) - SHOWN)}
        return TemplateResponse(request, "admin/chatbot/case/upload.html", context | {"form": form})

    def export(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return as_file(Case.objects.all())

    @admin.action(description="Export as JSON lines", permissions=["view"])
    def export_chosen(self, request: HttpRequest, chosen: QuerySet[Case]) -> HttpResponse:
        return as_file(chosen)

    @admin.action(description="Leave out of test runs", permissions=["change"])
    def switch_off(self, request: HttpRequest, chosen: QuerySet[Case]) -> None:
        chosen.update(active=False)

    @admin.action(description="Include in test runs", permissions=["change"])
    def switch_on(self, request: HttpRequest, chosen: QuerySet[Case]) -> None:
        chosen.update(active=True)


def in_words(case: Case) -> str:
    if isinstance(case.expect, str):
        return KINDS.get(case.expect, case.expect)
    if case.expect:
        return ", ".join(group[0] for group in case.expect)
    if case.record:
        return f"cites {cases.titled(case.record)}"
    return "not what was said" if case.forbid else "anything"


def as_file(chosen: QuerySet[Case]) -> HttpResponse:
    rows = map(questions.as_row, chosen.select_related("inbox").order_by("id").iterator())
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    headers = {
        "Content-Disposition": 'attachment; filename="test-questions.jsonl"',
        "Cache-Control": "no-store",
    }
    return HttpResponse(lines, content_type="application/jsonl", headers=headers)
