"""Tiers of the language model, and the health of their servers."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from chatbot.models import Server, Tier


class ServerInline(TabularInline):
    model = Server
    fields = ["url", "health", "looked_at"]
    readonly_fields = ["health", "looked_at"]
    extra = 1


@admin.register(Tier)
class TierAdmin(ModelAdmin):
    fields = ["name", "model", "from_difficulty", "enabled"]
    list_display = ["name", "model", "from_difficulty", "enabled", "servers"]
    ordering = ["from_difficulty", "name"]
    inlines = [ServerInline]

    @display(description="Servers")
    def servers(self, tier: Tier) -> SafeString:
        rows = ((server.url, server.health) for server in tier.servers.all())
        return format_html_join("", "<div>{} · {}</div>", rows)
