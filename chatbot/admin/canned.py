"""Answers that agents send often."""

from django import forms
from django.contrib import admin
from unfold.admin import ModelAdmin

from chatbot.conversation import canned
from chatbot.models import CannedAnswer


class CannedAnswerForm(forms.ModelForm):
    class Meta:
        model = CannedAnswer
        fields = ["shortcut", "text", "inbox"]

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        if wrong := canned.unknown(text):
            known = ", ".join(f"{{{name}}}" for name in canned.VARIABLES)
            raise forms.ValidationError(f"{{{wrong[0]}}} is not known. Use {known}.")
        return text


@admin.register(CannedAnswer)
class CannedAnswerAdmin(ModelAdmin):
    form = CannedAnswerForm
    list_display = ["__str__", "text", "inbox"]
    list_filter = ["inbox"]
    search_fields = ["shortcut", "text"]
