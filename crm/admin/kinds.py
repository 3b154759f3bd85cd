"""Admin page of the kinds of records: what their fields mean."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from crm.admin.list_field import LinesField
from crm.models import Record, RecordKind

# Records whose fields are offered.
LOOKED_AT = 100
ABOUT = (
    "Attune uses these fields for questions such as “Where is my last order?” or “How many "
    "invoices are open?”. It has guessed them from the records. Correct what is wrong, and tick "
    "“confirmed”."
)


class KindForm(forms.ModelForm):
    final_statuses = LinesField(
        str.strip, "delivered", "Statuses of finished records, one per line."
    )
    open_statuses = LinesField(
        str.strip,
        "in transit",
        "Statuses of unfinished records, one per line. Attune judges those in neither list.",
    )

    class Meta:
        model = RecordKind
        fields = [*RecordKind.ROLES, "final_statuses", "open_statuses", "confirmed"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [("", "none"), *((name, name) for name in field_names(self.instance))]
        for role in self.fields.keys() & set(RecordKind.ROLES):  # Readers' forms have no fields.
            field = self.fields[role]
            self.fields[role] = forms.ChoiceField(
                label=field.label,
                required=False,
                choices=names,
                help_text=field.help_text,
                widget=UnfoldAdminSelectWidget(),
            )


def field_names(kind: RecordKind) -> list[str]:
    """Return the names of the fields that this kind's records have, and those chosen before."""
    rows = Record.objects.filter(kind=kind.name, deleted=False).order_by("-updated_at")
    found = [
        name for fields in rows.values_list("fields", flat=True)[:LOOKED_AT] for name in fields
    ]
    return list(
        dict.fromkeys([*found, *filter(None, (getattr(kind, role) for role in RecordKind.ROLES))])
    )


@admin.register(RecordKind)
class RecordKindAdmin(ModelAdmin):
    form = KindForm
    fieldsets = [
        (None, {"fields": [*RecordKind.ROLES, "confirmed"], "description": ABOUT}),
        ("Statuses", {"fields": ["final_statuses", "open_statuses"]}),
    ]
    list_display = ["name", "status", "own_date", "expected_date", "total", "confirmed"]
    list_filter = ["confirmed"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A kind appears by itself when a customer asks about its records."""
        return False

    def save_model(
        self, request: HttpRequest, obj: RecordKind, form: forms.ModelForm, change: bool
    ) -> None:
        # What somebody has corrected is not guessed again.
        obj.confirmed = obj.confirmed or bool(set(form.changed_data) - {"confirmed"})
        super().save_model(request, obj, form, change)
