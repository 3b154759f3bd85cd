"""Erasure of a customer: requested on the customer's page, confirmed by typing the customer's
number, done in the background, and listed here. Also an export of all data about a customer."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin

from chatbot.models import Erasure
from chatbot.people import audit
from chatbot.privacy import retention
from chatbot.privacy.retention import carry_out
from crm.admin import ReadOnly
from crm.ids.aliases import all_ids
from crm.models import Customer
from crm.plumbing import background


@admin.register(Erasure)
class ErasureAdmin(ReadOnly, ModelAdmin):
    list_display = ["customer", "by", "asked_at", "done_at", "counts"]
    search_fields = ["customer"]

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("of/<path:customer>/", wrapped(self.ask), name="erase-customer"),
            path("held/<path:customer>/", wrapped(self.held), name="export-customer"),
            *super().get_urls(),
        ]

    def ask(self, request: HttpRequest, customer: str) -> HttpResponse:
        """Show what would be erased (GET); start it once the number is typed (POST)."""
        row = self.customer(request, customer)
        if request.POST.get("typed", "").strip() == row.id:
            erasure = Erasure.objects.create(customer=row.id, by_id=request.user.pk)
            background.later(carry_out, erasure.id)
            messages.info(request, f"{row.id} is being erased.")
            return HttpResponseRedirect(reverse("admin:chatbot_erasure_changelist"))
        context = self.admin_site.each_context(request) | {
            "title": f"Erase {row}",
            "customer": row,
            "counts": retention.counts_of(row.id),
            "others": [id for id in all_ids(row.id) if id != row.id],
            "wrong": request.method == "POST",
        }
        return TemplateResponse(request, "admin/chatbot/erase.html", context)

    def held(self, request: HttpRequest, customer: str) -> HttpResponse:
        """Export all data about the customer, for the customer, as JSON lines."""
        person = self.customer(request, customer)
        audit.exported(person, request.user)  # type: ignore[arg-type]  # nobody else gets here
        lines = (f"{retention.as_line(row)}\n" for row in retention.held(person))
        headers = {
            "Content-Disposition": 'attachment; filename="customer.jsonl"',
            "Cache-Control": "no-store",
        }
        return HttpResponse(lines, content_type="application/jsonl", headers=headers)

    def customer(self, request: HttpRequest, id: str) -> Customer:
        if not request.user.has_perm("chatbot.add_erasure"):
            raise PermissionDenied
        return get_object_or_404(Customer, id=id, erased_at=None)
