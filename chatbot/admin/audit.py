"""The audit log, read-only."""

from itertools import starmap
from typing import Any

import auditlog.admin  # noqa: F401 it registers the page that this one replaces
from auditlog.models import LogEntry
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from crm.admin import ReadOnly
from crm.admin.records import link

admin.site.unregister(LogEntry)
EXCERPT = 200


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnly, ModelAdmin):
    list_display = ["at", "who", "what", "about", "changed", "address"]
    list_filter = ["action", "content_type", "actor"]
    list_select_related = ["actor", "content_type"]
    search_fields = ["object_repr", "object_pk", "actor__username"]
    show_full_result_count = False
    date_hierarchy = "timestamp"
    fields = ["at", "who", "what", "about", "object_pk", "changed", "address"]
    readonly_fields = fields

    @display(description="When", ordering="timestamp")
    def at(self, entry: LogEntry) -> str:
        return date_format(timezone.localtime(entry.timestamp), "j M Y, H:i:s")

    @display(description="From", ordering="remote_addr")
    def address(self, entry: LogEntry) -> str:
        return entry.remote_addr or ""

    @display(description="About", ordering="object_repr")
    def about(self, entry: LogEntry) -> str | SafeString:
        """Link an entry about a conversation to its page."""
        if entry.content_type.model != "conversation":
            return str(entry.object_repr)
        page = reverse("admin:chatbot_conversation_change", args=[entry.object_pk])
        return link(page, str(entry.object_repr))

    @display(description="Who", ordering="actor")
    def who(self, entry: LogEntry) -> str:
        return str(entry.actor or (entry.additional_data or {}).get("by", "Attune itself"))

    @display(description="What", ordering="action")
    def what(self, entry: LogEntry) -> str:
        read = entry.action == LogEntry.Action.ACCESS
        done = "read" if read else entry.get_action_display()
        return f"{done} {entry.content_type.name}"

    @display(description="Changes")
    def changed(self, entry: LogEntry) -> str:
        changes = {name: change for name, change in (entry.changes or {}).items() if name != "id"}
        return "; ".join(starmap(describe_change, changes.items()))[:EXCERPT]


def describe_change(field: str, change: Any) -> str:
    """Describe [before, after], or {"operation", "objects"} of a many-to-many field."""
    if isinstance(change, dict):
        return f"{field}: {change['operation']} {', '.join(change['objects'])}"
    before, after = change
    return f"{field}: {after}" if before in {None, "None"} else f"{field}: {before} → {after}"
