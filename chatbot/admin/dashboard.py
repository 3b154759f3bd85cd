"""The team leads' dashboard of figures, with the admin's permissions."""

import csv
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from unfold.admin import ModelAdmin

from chatbot.models import Figure, FiguresUpTo, Inbox
from chatbot.reports import page
from crm.admin import ReadOnly

PERIODS = [("1", "Today"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days")]
LONGEST = 730


class PeriodForm(forms.Form):
    """The choice of figures. Dates that make no sense count as missing."""

    days = forms.ChoiceField(choices=[*PERIODS, ("", "Own dates")], required=False)
    first = forms.DateField(required=False, label="From")
    last = forms.DateField(required=False, label="To")
    inbox = forms.ModelChoiceField(
        Inbox.objects.order_by("name"), required=False, empty_label="All"
    )
    agent = forms.ModelChoiceField(
        User.objects.filter(is_staff=True), required=False, empty_label="All"
    )

    def period(self) -> page.Period:
        today = timezone.localdate()
        first, last = self.chosen("first"), self.chosen("last") or today
        if not isinstance(first, date) or first > last or (last - first).days > LONGEST:
            days = int(self.chosen("days") or 30)
            first, last = today - timedelta(days=days - 1), today
        return page.Period(first, last)

    def chosen(self, name: str) -> Any:
        return self.cleaned_data.get(name)

    def id_of(self, name: str) -> int | None:
        return self.chosen(name).pk if self.chosen(name) else None


@admin.register(Figure)
class FigureAdmin(ReadOnly, ModelAdmin):
    """The figures' page: the dashboard in place of a list."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.dashboard)
        return [path("dashboard/", view, name="dashboard"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return self.dashboard(request)

    def dashboard(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm(request.GET)
        form.is_valid()
        period = form.period()
        chosen = form.id_of("inbox"), form.id_of("agent")
        now = page.report(page.figures(period, *chosen))
        if "csv" in request.GET:
            return as_csv(page.rows(now, period), period)
        before = page.totals(page.figures(period.before, *chosen))
        of_agent = chosen[1] is not None
        context = self.admin_site.each_context(request) | {
            "title": "Figures",
            "form": form,
            "periods": PERIODS,
            "period": period,
            "of_agent": of_agent,
            "tiles": page.tiles(now, before, of_agent),
            "times": page.times(now, of_agent),
            "charts": page.charts(now, period, of_agent),
            "empty": not now.sums,
            "up_to": FiguresUpTo.objects.values_list("at", flat=True).first(),
            "query": request.GET.urlencode(),
        }
        return TemplateResponse(request, "admin/chatbot/dashboard.html", context)


def as_csv(rows: list[list[Any]], period: page.Period) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"attune-{period.first}-{period.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    csv.writer(response).writerows([page.safe(cell) for cell in row] for row in rows)
    return response
