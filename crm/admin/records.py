"""Customers and records as the CRM sent them: to read, not to edit.

A change made here would be lost with the next import, and the passages that are
searched would not follow it.
"""

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Count, Model, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.template.defaultfilters import linebreaksbr, pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from crm.models import Customer, Passage, Record, Vector
from inference.grounding import injection


def link(url: str, text: str) -> SafeString:
    classes = "text-primary-700 dark:text-primary-400 hover:underline"
    return format_html('<a href="{}" class="{}" dir="auto">{}</a>', url, classes, text)


def change_url(row: Model) -> str:
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[quote(row.pk)])


class ReadOnly:
    """Nobody adds, changes or deletes; who has the view permission reads."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class CustomerFilter(admin.SimpleListFilter):
    """Reached by a link from a customer; names them, and can be cleared like any filter."""

    title = "customer"
    parameter_name = "customer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        chosen = Customer.objects.filter(id=self.value())
        return [(customer.id, str(customer)) for customer in chosen]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Record]) -> QuerySet[Record]:
        return queryset.filter(customer=self.value()) if self.value() else queryset


class PassageInline(ReadOnly, TabularInline):
    model = Passage
    fields = ["position", "lines", "left_out", "embedded"]
    readonly_fields = fields
    verbose_name_plural = "passages, as they are searched"
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True  # The record's own permission has been checked by then.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Passage]:
        encoders = Vector.objects.only("passage_id", "encoder")
        return super().get_queryset(request).prefetch_related(Prefetch("vectors", encoders))

    @display(description="Text")
    def lines(self, passage: Passage) -> SafeString:
        return linebreaksbr(passage.text)

    @display(description="Left out of answers")
    def left_out(self, passage: Passage) -> SafeString:
        shared = passage.customer_id is None
        reasons = [(line, injection.left_out(line, shared)) for line in passage.text.split("\n")]
        return format_html_join("", "<p>“{}”: {}.</p>", [one for one in reasons if one[1]])

    @display(description="Embedded by")
    def embedded(self, passage: Passage) -> str:
        return ", ".join(one.encoder for one in passage.vectors.all()) or "not embedded yet"


@admin.register(Record)
class RecordAdmin(ReadOnly, ModelAdmin):
    list_display = ["title", "kind", "customer_link", "changed", "status"]
    list_filter = [CustomerFilter, ("kind", admin.AllValuesFieldListFilter), "deleted"]
    list_select_related = ["customer"]
    search_fields = ["id", "title", "text", "customer__name"]
    search_help_text = "Number, title, text, or the customer's name"
    fields = ["id", "kind", "title", "customer_link", "status", "changed", "body", "facts"]
    readonly_fields = fields
    inlines = [PassageInline]

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, record: Record) -> str | SafeString:
        if record.customer is None:
            return "shared knowledge"
        return link(change_url(record.customer), str(record.customer))

    @display(description="Changed in the CRM", ordering="updated_at")
    def changed(self, record: Record) -> str:
        return date_format(timezone.localtime(record.updated_at), "j M Y, H:i")

    @display(description="Status", ordering="deleted")
    def status(self, record: Record) -> str:
        return "deleted in the CRM" if record.deleted else "current"

    @display(description="Text")
    def body(self, record: Record) -> SafeString:
        return linebreaksbr(record.text)

    @display(description="Fields")
    def facts(self, record: Record) -> SafeString:
        text = json.dumps(record.fields, indent=2, ensure_ascii=False)
        return format_html('<pre class="overflow-x-auto">{}</pre>', text)


@admin.register(Customer)
class CustomerAdmin(ReadOnly, ModelAdmin):
    list_display = ["name_or_id", "id", "record_count"]
    search_fields = ["name", "id"]
    search_help_text = "Name or customer number"
    fields = ["id", "name", "record_count"]
    readonly_fields = fields
    actions_detail = ["export", "erase"]

    @action(description="Save all that is held of them", permissions=["erase"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:export-customer", args=[object_id]))

    @action(description="Erase this customer …", permissions=["erase"])
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """The page that says what would go, and asks again."""
        return HttpResponseRedirect(reverse("admin:erase-customer", args=[object_id]))

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chatbot.add_erasure")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        current = Count("records", filter=Q(records__deleted=False))
        return super().get_queryset(request).annotate(current_records=current)

    @display(description="Name", ordering="name")
    def name_or_id(self, customer: Customer) -> str:
        return str(customer)

    @display(description="Records")
    def record_count(self, customer: Customer) -> SafeString:
        url = f"{reverse('admin:crm_record_changelist')}?{urlencode({'customer': customer.id})}"
        count = customer.current_records  # type: ignore[attr-defined]  # annotated above
        return link(url, f"{count} record{pluralize(count)}")
