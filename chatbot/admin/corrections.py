"""Agents' corrections of sentiment labels."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.decorators import display

from chatbot.models import Correction
from crm.admin import ReadOnly

EXCERPT = 140


@admin.register(Correction)
class CorrectionAdmin(ReadOnly, ModelAdmin):
    list_display = ["text", "said", "label", "agent", "at"]
    list_filter = ["label", "message__conversation__visitor__inbox"]
    list_select_related = ["message__conversation", "agent"]
    list_display_links = None
    ordering = ["-at"]
    search_fields = ["message__text"]

    @display(description="Message")
    def text(self, correction: Correction) -> SafeString:
        message = correction.message
        page = reverse("admin:chatbot_conversation_change", args=[message.conversation_id])
        text = Truncator(message.text).chars(EXCERPT)
        return format_html('<a href="{}#message-{}" dir="auto">{}</a>', page, message.seq, text)

    @display(description="Classifier said", ordering="message__label")
    def said(self, correction: Correction) -> str:
        return correction.message.label
