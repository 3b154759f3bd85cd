"""Actions that the bot may offer, and the outcomes of offers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from chatbot.models import Action, ActionField, ActionRequest
from crm.admin import ReadOnly
from crm.admin.list_field import LinesField
from crm.models import Endpoint

WORDS = (
    "One per line; the first fifty words or so count. A small model reads them together with the "
    "name, so customers need not use these very words. Customers who only ask about it get no "
    "offer."
)
COLOURS = {
    "proposed": "info",
    "sent": "warning",
    "accepted": "success",
    "refused": "danger",
    "unanswered": "danger",
}
KINDS = {
    "text": "Text",
    "choice": "Choice",
    "phone": "Telephone number",
    "email": "E-mail address",
    "date": "Day",
    "record": "Record of this customer",
}


class ActionForm(forms.ModelForm):
    words = LinesField(str.strip, "send back", WORDS)
    words.required = True
    endpoints = forms.ModelMultipleChoiceField(
        Endpoint.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The endpoints that carry out the action. Each receives the request.",
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("active") and not data.get("endpoints"):
            text = "Choose an endpoint, or switch the action off: an endpoint must carry it out."
            self.add_error("endpoints", text)
        return data


class FieldForm(forms.ModelForm):
    kind = forms.ChoiceField(choices=list(KINDS.items()))
    options = LinesField(str.strip, "", "For a choice or a record, one per line.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("kind") in {"choice", "record"} and not data.get("options"):
            self.add_error("options", "List the options, or the kinds of records.")
        return data


class Fields(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        rows = [getattr(form, "cleaned_data", {}) for form in self.forms]
        of_records = any(row.get("kind") == "record" and not row.get("DELETE") for row in rows)
        if of_records and not self.instance.signed_in:
            raise ValidationError(
                "A record field needs a signed-in customer: tick “Only for signed-in customers”."
            )


class ActionFieldInline(TabularInline):
    model = ActionField
    form = FieldForm
    formset = Fields
    fields = ["position", "label", "name", "kind", "options", "required"]
    extra = 0
    hide_title = True
    verbose_name, verbose_name_plural = "field", "what the customer is asked for"


@admin.register(Action)
class ActionAdmin(ModelAdmin):
    form = ActionForm
    fields = ["inbox", "name", "key", "text", "words", "signed_in"]
    fields += ["endpoints", "patience", "active"]
    prepopulated_fields = {"key": ["name"]}
    list_display = ["name", "inbox", "receivers", "active"]
    list_filter = ["inbox"]
    search_fields = ["name", "key"]
    inlines = [ActionFieldInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Action]:
        return super().get_queryset(request).select_related("inbox").prefetch_related("endpoints")

    @display(description="Carried out by")
    def receivers(self, action: Action) -> str:
        urls = ", ".join(endpoint.url for endpoint in action.endpoints.all())
        return urls or "no endpoint, so it is not offered"


@admin.register(ActionRequest)
class ActionRequestAdmin(ReadOnly, ModelAdmin):
    list_display = ["action", "shown_state", "talk", "answer", "confirmed_at"]
    list_filter = ["state", "action"]
    list_select_related = ["action", "conversation__visitor__customer"]
    date_hierarchy = "offered_at"
    search_fields = ["id", "conversation__visitor__customer__name"]
    fields = ["action", "shown_state", "talk", "asked", "answer", "offered_at", "confirmed_at"]
    readonly_fields = fields

    @display(description="State", label=COLOURS, ordering="state")
    def shown_state(self, request: ActionRequest) -> tuple[str, str]:
        return request.state, request.get_state_display()

    @display(description="Conversation")
    def talk(self, request: ActionRequest) -> SafeString:
        page = reverse("admin:chatbot_conversation_change", args=[request.conversation_id])
        return format_html('<a href="{}">{}</a>', page, request.conversation.visitor)

    @display(description="Confirmed by the customer")
    def asked(self, request: ActionRequest) -> str:
        return "; ".join(f"{value['label']}: {value['shown']}" for value in request.values)
