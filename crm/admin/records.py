"""Admin pages of customers and records as the CRM sent them, to read only.

The next import would overwrite a change made here, and the searched passages would not follow it.
"""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import linebreaksbr, pluralize
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from crm.admin.asked import confirmed, page_of
from crm.customers import lifecycle
from crm.ids.aliases import root_of
from crm.knowledge.passages import MOST_PASSAGES, PARTLY
from crm.knowledge.records import ARTICLES
from crm.models import Article, Customer, Passage, Record, Vector
from crm.plumbing.storable import RecordError
from inference.grounding import injection
from inference.text import trimmed


def link(url: str, text: str) -> SafeString:
    classes = "text-primary-700 dark:text-primary-400 hover:underline"
    return format_html('<a href="{}" class="{}" dir="auto">{}</a>', url, classes, text)


class ReadOnly:
    """Lets nobody add, change or delete; people with the view permission may read."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class CustomerFilter(admin.SimpleListFilter):
    """A filter set by a link from a customer's page. It shows their name and can be cleared."""

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
        given = [(line, reason) for line, reason in reasons if reason]
        return format_html_join("", "<p>“{}”: {}.</p>", given)

    @display(description="Embedded by")
    def embedded(self, passage: Passage) -> str:
        return ", ".join(vector.encoder for vector in passage.vectors.all()) or "not embedded yet"


@admin.register(Record)
class RecordAdmin(ReadOnly, ModelAdmin):
    list_display = ["title", "kind", "customer_link", "changed", "status"]
    list_filter = [CustomerFilter, ("kind", admin.AllValuesFieldListFilter), "deleted"]
    list_select_related = ["customer"]
    search_fields = ["id", "title", "text", "customer__name"]
    search_help_text = "Number, title, text, or the customer's name"
    fields = ["id", "kind", "title", "customer_link", "status", "searched", "changed"]
    fields += ["body", "facts"]
    readonly_fields = [*fields, "article"]
    inlines = [PassageInline]

    def get_fields(self, request: HttpRequest, obj: Record | None = None) -> list[str]:
        return [*self.fields, "article"] if obj and obj.id.startswith(ARTICLES) else self.fields

    @display(description="Written in")
    def article(self, record: Record) -> str | SafeString:
        article = Article.objects.filter(pk=record.id.removeprefix(ARTICLES)).first()
        return (
            link(page_of(article), f"the article “{article}”") if article else "a deleted article"
        )

    @display(description="Customer", ordering="customer__name")
    def customer_link(self, record: Record) -> str | SafeString:
        if record.customer is None:
            return "shared knowledge"
        return link(page_of(record.customer), str(record.customer))

    @display(description="Changed", ordering="updated_at")
    def changed(self, record: Record) -> str:
        return date_format(timezone.localtime(record.updated_at), "j M Y, H:i")

    @display(description="Status", ordering="deleted")
    def status(self, record: Record) -> str:
        if record.id.startswith(ARTICLES):
            return "archived" if record.deleted else "published"
        return "deleted in the CRM" if record.deleted else "current"

    @display(description="Search")
    def searched(self, record: Record) -> str:
        """Shown only on the record's own page: lists would count too many passages."""
        if record.passages.count() < MOST_PASSAGES:
            return "all of it is searched"
        return f"The record is partly searched: {PARTLY}. Make the CRM send less in one record."

    @display(description="Text")
    def body(self, record: Record) -> SafeString:
        return linebreaksbr(record.text)

    @display(description="Fields")
    def facts(self, record: Record) -> SafeString:
        text = json.dumps(record.fields, indent=2, ensure_ascii=False)
        return format_html('<pre class="overflow-x-auto">{}</pre>', text)


class LinkForm(forms.Form):
    into = forms.CharField(
        label="Id of the customer to keep",
        max_length=200,
        widget=UnfoldAdminTextInputWidget(),
        help_text="An id of your own system (cust_1) or one with a source's namespace (desk/501).",
    )

    def clean_into(self) -> str:
        into = trimmed(self.cleaned_data["into"])
        if not Customer.objects.filter(id=into).exists():
            raise ValidationError(f"There is no customer {into!r}.")
        return into


@admin.register(Customer)
class CustomerAdmin(ReadOnly, ModelAdmin):
    list_display = ["name_or_id", "id", "standing", "record_count"]
    list_select_related = ["merged_into"]
    search_fields = ["name", "id"]
    search_help_text = "Name or customer id"
    fields = ["id", "name", "standing", "aliases", "record_count"]
    readonly_fields = fields
    actions_detail = ["link", "export", "erase"]

    @display(description="Status")
    def standing(self, customer: Customer) -> str | SafeString:
        if customer.erased_at:
            return f"erased on {date_format(timezone.localtime(customer.erased_at), 'j M Y')}"
        if customer.merged_into:
            return format_html(
                "merged into {}", link(page_of(customer.merged_into), customer.merged_into.pk)
            )
        return "active"

    @display(description="Their other ids")
    def aliases(self, customer: Customer) -> str:
        return ", ".join(customer.merged.values_list("id", flat=True)) or "none"

    @action(description="Merge into another customer …", permissions=["link"])
    def link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Merge two customers, for example of two systems, who are one person."""
        customer = get_object_or_404(Customer, id=unquote(object_id))
        form = LinkForm(request.POST or None)

        def merge() -> str:
            into = form.cleaned_data["into"]
            try:
                lifecycle.merge(customer.id, into)
            except RecordError as error:
                messages.error(request, f"Nothing was changed: {error}.")
                return page_of(customer)
            messages.info(request, f"{customer.id} was merged into {into}.")
            return page_of(Customer.objects.get(id=root_of(into)))

        text = (
            f"The other customer gets all records and conversations of {customer.id}, even those "
            "that arrive later. This cannot be undone."
        )
        title = f"Merge {customer} into another customer"
        return confirmed(request, customer, title, text, merge, form)

    def has_link_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("crm.change_source")

    @action(description="Export all their data", permissions=["erase"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:export-customer", args=[unquote(object_id)]))

    @action(description="Erase this customer …", permissions=["erase"])
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        """Go to the page that lists what would be erased, and asks for confirmation."""
        return HttpResponseRedirect(reverse("admin:erase-customer", args=[unquote(object_id)]))

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("chatbot.add_erasure")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        # Counted for the customers of the page alone.
        theirs = Record.objects.filter(customer=OuterRef("pk"), deleted=False).order_by()
        counted = theirs.values("customer").values_list(Count("pk"))
        current = Coalesce(Subquery(counted), 0)
        return super().get_queryset(request).annotate(current_records=current)

    @display(description="Name", ordering="name")
    def name_or_id(self, customer: Customer) -> str:
        return str(customer)

    @display(description="Records")
    def record_count(self, customer: Customer) -> SafeString:
        url = f"{reverse('admin:crm_record_changelist')}?{urlencode({'customer': customer.id})}"
        count = customer.current_records  # type: ignore[attr-defined]  # annotated above
        return link(url, f"{count} record{pluralize(count)}")
