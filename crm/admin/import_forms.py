"""Forms of imports: files to upload, and the choices of a plan."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crm.importing import files, mapping, places
from crm.importing.columns import FEW
from crm.importing.formats import limits
from crm.models import ImportPlan

AUTOMATIC, NEW = "", "new"
# Files that one form may bring; more belong into a ZIP.
MOST_FILES = 100
# Roles of columns: each with its label and a word of help.
ROLES = {
    "kind": (
        "Kind of each row",
        "If the file holds several kinds: the column that names them, such as “lease” or “repair”.",
    ),
    "id": ("Number or id", "Different in each row. Later files update records by it."),
    "customer": ("Customer", "The customer's id in your own systems, as your site signs it."),
    "title": ("Title", "None: Attune joins the kind and the number, such as “Order 10482”."),
    "text": ("Long text", "For example, the answer to a question."),
    "updated_at": ("When it changed", "None: the time of the import."),
    "status": ("Status", "Such as “in transit” or “paid”."),
    "own_date": ("Its own date", "When ordered, booked or issued. It decides which is the last."),
    "expected_date": ("Expected date", "When it is due: delivery, appointment, payment."),
    "done_date": ("Done date", "When it was done: delivered, paid, closed."),
    "total": ("Total", "The amount that is added up over several records."),
}
NEEDS_OWNER = (
    "Choose the column with the customers' ids, or confirm below that everybody may see these "
    "records."
)
OF_TEXTS = "Off: if a text is missing from a later import, its article stays as it is."


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    widget = FilesInput(attrs={"class": "drop", "accept": ",".join(sorted(files.ENDINGS))})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = list(data) if isinstance(data, list | tuple) else [data]
        if len(given) > MOST_FILES:
            raise ValidationError(f"You chose more than {MOST_FILES} files: put them into a ZIP.")
        return [self.checked(super(FilesField, self).clean(file, initial)) for file in given]

    def checked(self, file: Any) -> Any:
        if files.ending(file.name) not in files.ENDINGS:
            known = ", ".join(sorted(files.ENDINGS))
            raise ValidationError(
                f"{file.name} cannot be imported. Choose files that end in {known}."
            )
        if file.size > limits.FILE:
            most = limits.FILE // limits.MEGABYTE
            raise ValidationError(f"{file.name} is larger than {most} MB: import it in parts.")
        return file


class UploadForm(forms.Form):
    file = FilesField(
        label="Files",
        help_text="Choose files, or drop them here. Tables (.csv, .xlsx, .jsonl) become records; "
        "texts (.md, .html, .txt, .docx, .pdf) become articles. A .zip may hold many files.",
    )
    plan = forms.ChoiceField(
        label="Import plan",
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="It keeps your choices, so that Attune does not ask again for similar files.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | kwargs)
        saved = [(str(plan.pk), plan.name) for plan in ImportPlan.objects.all()]
        self.fields["plan"].choices = [  # type: ignore[attr-defined]  # a ChoiceField's
            (AUTOMATIC, "The saved plan with the same columns, if there is one"),
            (NEW, "A new plan"),
            *saved,
        ]

    def chosen(self) -> ImportPlan | None:
        given = self.cleaned_data["plan"]
        return None if given in {AUTOMATIC, NEW} else ImportPlan.objects.filter(pk=given).first()


def choice(label: str, options: list[tuple[str, str]], help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        required=False,
        choices=options,
        help_text=help_text,
        widget=UnfoldAdminSelectWidget(),
    )


class PlanForm(forms.ModelForm):
    """A plan's choices. Its fields depend on what it is for: a table with columns, records in
    Attune's own form, or documents."""

    class Meta:
        model = ImportPlan
        fields = ["name", "kind", "shared", "own_ids", "publish", "remove_missing", "place"]
        fields += ["every_hours"]
        widgets = {
            "name": UnfoldAdminTextInputWidget(),
            "kind": UnfoldAdminTextInputWidget(),
            "shared": UnfoldBooleanSwitchWidget(),
            "own_ids": UnfoldBooleanSwitchWidget(),
            "publish": UnfoldBooleanSwitchWidget(),
            "remove_missing": UnfoldBooleanSwitchWidget(),
            "place": UnfoldAdminTextInputWidget(),
            "every_hours": UnfoldAdminIntegerFieldWidget(),
        }
        labels = {"name": "Name of the import plan"}
        help_texts = {
            "name": "Attune keeps these choices for the next file with the same columns.",
            "shared": "Anonymous visitors can see them, too.",
        }

    # Names of the table's columns; none: documents, or records in Attune's own form.
    columns: list[str] = []
    # Columns whose values are all different, if that is known.
    unique: list[str] | None = None
    # Columns that have few different values, if that is known.
    few: list[str] | None = None
    asks_order = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": ""} | kwargs)
        if self.columns:
            self.add_roles()
        elif not self.instance.heads and "remove_missing" in self.fields:
            self.fields["name"].help_text = "Attune keeps these choices for the next texts."
            self.fields["remove_missing"].help_text = OF_TEXTS
        if self.asks_order and self.columns:
            order = {True: "day", False: "month", None: ""}[self.instance.day_first]
            options = [("", "Choose …"), ("day", "The day: 05/04 is in April")]
            options.append(("month", "The month: 05/04 is in May"))
            help_text = "The dates in the file can be read in two ways."
            self.fields["order"] = choice("Dates begin with", options, help_text)
            self.fields["order"].initial = order
        roles = [f"role_{role}" for role in ROLES]
        self.order_fields(["kind", *roles, "order", "left_out", "shared", "publish", "name"])

    def add_roles(self) -> None:
        options = [("", "none"), *((name, name) for name in self.columns)]
        for role, (label, help_text) in ROLES.items():
            self.fields[f"role_{role}"] = choice(label, options, help_text)
            chosen = self.instance.columns.get(role, "")
            self.fields[f"role_{role}"].initial = chosen if chosen in self.columns else ""
        self.fields["left_out"] = forms.MultipleChoiceField(
            label="Not for customers",
            required=False,
            choices=[(name, name) for name in self.columns],
            initial=self.instance.left_out,
            help_text="Attune does not store these columns. Customers see all the others.",
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        )

    def clean_kind(self) -> str:
        kind = " ".join(self.cleaned_data["kind"].split())
        if self.columns and not kind:
            raise ValidationError("Say in one word what each row is: order, invoice, booking.")
        return kind

    def clean_place(self) -> str:
        place = str(self.cleaned_data["place"]).strip()
        if place:
            places.check(place)
        return place

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.columns:
            self.check_roles(cleaned)
        if cleaned.get("own_ids") and cleaned.get("remove_missing"):
            self.add_error(
                "remove_missing",
                "With the file's own ids, Attune cannot tell which records came from this file.",
            )
        if "order" in self.fields and not cleaned.get("order"):
            self.add_error("order", "Choose one: 05/04/2026 can be in April or in May.")
        if cleaned.get("every_hours") and not cleaned.get("place"):
            self.add_error("place", "Say where to import from.")
        return cleaned

    def check_roles(self, cleaned: dict[str, Any]) -> None:
        roles = {role: cleaned.get(f"role_{role}", "") for role in mapping.ROLES}
        if not roles["id"]:
            self.add_error("role_id", "Choose the column whose value is different in each row.")
        elif self.unique is not None and roles["id"] not in self.unique:
            self.add_error(
                "role_id",
                "Some rows have the same value in this column, or none. Choose a column whose "
                "value is different in each row.",
            )
        if roles["kind"] and self.few is not None and roles["kind"] not in self.few:
            self.add_error(
                "role_kind",
                f"It names one kind only, or more than {FEW}. Choose a column with a few kinds, "
                "or none.",
            )
        if not roles["customer"] and not cleaned.get("shared"):
            self.add_error("role_customer", NEEDS_OWNER)
        if roles["customer"] and cleaned.get("shared"):
            self.add_error(
                "shared",
                "Each record has a customer: turn this off, or choose “none” for the customer.",
            )
        for name in cleaned.get("left_out", []):
            used = [ROLES[role][0] for role, chosen in roles.items() if chosen == name]
            if used:
                self.add_error("left_out", f"“{name}” is already used as {', '.join(used)}.")

    def plan(self) -> ImportPlan:
        """Return the plan with the form's choices, also if some of them are wrong."""
        plan: ImportPlan = self.instance
        given = self.cleaned_data
        if self.columns:
            roles = {role: given.get(f"role_{role}", "") for role in mapping.ROLES}
            plan.columns = {role: name for role, name in roles.items() if name}
            plan.left_out = given.get("left_out", [])
            plan.heads = self.columns
        if given.get("order"):
            plan.day_first = given["order"] == "day"
        return plan
