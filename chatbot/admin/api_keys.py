"""Keys of the REST API: listed and revoked here; `manage.py api_key` makes them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from chatbot.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):
    list_display = ["name", "prefix", "scopes", "last_used_at", "expires_at", "revoked"]
    fields = ["name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked"]
    readonly_fields = ["prefix", "scopes", "created_at", "last_used_at"]
    search_fields = ["name", "prefix"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `manage.py api_key add` shows the key; browsers would keep a page.

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # A used key's owner must stay known.

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:  # One by one: each becomes an entry in the audit log.
            key.revoke()
        messages.info(request, f"Revoked {len(queryset)} keys.")
