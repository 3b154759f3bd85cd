"""Teams, and agents' presence and capacity."""

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.models import Presence, Team
from crm.admin.list_field import LinesField

FIRST = (
    "A team decides who is asked first. It hides nothing: if nobody on the team is free, waiting "
    "customers go to any free agent, so all agents see all inboxes."
)


@admin.register(Team)
class TeamAdmin(ModelAdmin):
    fieldsets = [
        (None, {"fields": ["name", "members", "inboxes", "topics"], "description": FIRST}),
    ]
    list_display = ["name", "people"]
    filter_horizontal = ["members", "inboxes"]
    search_fields = ["name"]

    @display(description="Members")
    def people(self, team: Team) -> str:
        return ", ".join(str(member) for member in team.members.all())

    def formfield_for_dbfield(self, db_field, request, **kwargs):  # type: ignore[no-untyped-def]
        if db_field.name == "topics":
            text = "Customers' words that send a request to this team first, one per line."
            return LinesField(str.strip, "refund", text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Presence)
class PresenceAdmin(ModelAdmin):
    list_display = ["user", "capacity", "away", "seen_at"]
    list_editable = ["capacity"]
    fields = ["user", "capacity", "away"]
    search_fields = ["user__username"]
