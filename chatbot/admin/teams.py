"""Teams, and how many conversations each agent takes."""

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.admin.list_field import LinesField
from chatbot.models import Presence, Team

FIRST = (
    "A team says who is asked first. It hides nothing: who waits goes to anybody who is free where "
    "nobody of the team is, so all agents see all inboxes."
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
        return ", ".join(str(one) for one in team.members.all())

    def formfield_for_dbfield(self, db_field, request, **kwargs):  # type: ignore[no-untyped-def]
        if db_field.name == "topics":
            text = "Words of customers that this team is asked for first, one per line."
            return LinesField(str.strip, "refund", text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Presence)
class PresenceAdmin(ModelAdmin):
    list_display = ["user", "capacity", "away", "seen_at"]
    list_editable = ["capacity"]
    fields = ["user", "capacity", "away"]
    search_fields = ["user__username"]
