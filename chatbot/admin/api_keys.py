"""Keys of the REST API: made, shown once, and revoked."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from chatbot.api import keys
from chatbot.models import ApiKey


class KeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in keys.SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        error_messages={"required": "Tick at least one scope: without one, a key opens nothing."},
        help_text="What the program may do.",
    )

    def clean_expires_at(self) -> datetime | None:
        expires: datetime | None = self.cleaned_data["expires_at"]
        if expires and expires <= timezone.now():
            raise forms.ValidationError("Choose a time in the future, or leave this empty.")
        return expires


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    list_display = ["name", "prefix", "allowed", "last_used_at", "expires_at", "state"]
    search_fields = ["name", "prefix"]
    actions = ["revoke"]

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        return super().get_form(request, obj, **options if obj else options | {"form": KeyForm})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["name", "scopes", "expires_at"]
        return ["name", "prefix", "allowed", "created_at", "last_used_at", "expires_at", "revoked"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["prefix", "allowed", "created_at", "last_used_at"] if obj else []

    @display(description="Scopes")
    def allowed(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @display(description="State", label={"in use": "success", "revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        if key.revoked:
            return "revoked"
        return "expired" if key.expires_at and key.expires_at <= timezone.now() else "in use"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # A used key's owner must stay known.

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        key = "" if change else keys.give(obj)
        super().save_model(request, obj, form, change)
        if key:
            text = "Give this key to the program now; it is not shown again: {}"
            messages.warning(request, format_html(text, key))

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:  # One by one: each becomes an entry in the audit log.
            key.revoke()
        messages.info(request, f"Keys revoked: {len(queryset)}.")
