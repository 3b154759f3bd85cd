"""Forgetting a customer: asked for on their page, confirmed by typing their number, done in the
background, and kept as a row here."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin

from chatbot import retention
from chatbot.models import Erasure
from chatbot.tasks import erase
from crm import background
from crm.admin import ReadOnly
from crm.models import Customer


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, ModelAdmin):
    list_display = ["customer", "by", "asked_at", "done_at", "counts"]
    search_fields = ["customer"]

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("of/<path:customer>/", wrapped(self.ask), name="erase-customer"),
            *super().get_urls(),
        ]

    def ask(self, request: HttpRequest, customer: str) -> HttpResponse:
        """GET says what would go; POST with the number typed sets it going."""
        if not request.user.has_perm("chatbot.add_erasure"):
            raise PermissionDenied
        found = get_object_or_404(Customer, id=customer, erased_at=None)
        if request.POST.get("typed", "").strip() == found.id:
            wish = Erasure.objects.create(customer=found.id, by_id=request.user.pk)
            background.later(erase, wish.id)
            messages.info(request, f"{found.id} is being erased.")
            return HttpResponseRedirect(reverse("admin:chatbot_erasure_changelist"))
        context = self.admin_site.each_context(request) | {
            "title": f"Erase {found}",
            "customer": found,
            "counts": retention.counts_of(found.id),
            "wrong": request.method == "POST",
        }
        return TemplateResponse(request, "admin/chatbot/erase.html", context)
