"""Admin pages of websites inside the network, which are read into articles."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from crm.admin.asked import page_of
from crm.models import Article, Website
from crm.plumbing import fetching
from crm.plumbing.fetching import NotFetched
from crm.websites import jobs, queue
from crm.websites.addresses import NoAddress, normal

SHOWN_ARTICLES = 100
# In the order in which counts are shown.
WORDS = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "edited here": "left as they are, because somebody has edited their articles here",
    "withdrawn": "archived, because their pages are gone",
    "left out": "left out",
}
COLOURS = {"being read": "info", "on": "success", "off": "warning"}


class WebsiteForm(forms.ModelForm):
    def clean_start(self) -> str:
        try:
            return normal(self.cleaned_data["start"])
        except NoAddress as error:
            raise ValidationError(f"The start address {error}") from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("active") and (why := not_listed(cleaned.get("start", ""))):
            self.add_error("active", why)
        return cleaned


def not_listed(start: str) -> str:
    """Return a sentence if the host may not be read."""
    try:
        if start:
            fetching.allowed(start)
    except NotFetched as error:
        return f"{start} {error}"
    return ""


@admin.register(Website)
class WebsiteAdmin(ModelAdmin):
    form = WebsiteForm
    fields = ["start", "active", "publish", "depth", "most_pages", "every_hours"]
    list_display = ["start", "state", "last", "pages", "outcome"]
    search_fields = ["start"]
    list_per_page = 50

    class Media:
        css = {"all": ["chatbot/admin/theme.css", "chatbot/admin/panels.css", "crm/import.css"]}

    @display(description="State", label=COLOURS)
    def state(self, website: Website) -> str:
        return "being read" if website.reading else "on" if website.active else "off"

    @display(description="Last read", ordering="looked_at")
    def last(self, website: Website) -> datetime | None:
        return website.looked_at

    @display(description="Pages")
    def pages(self, website: Website) -> str:
        return progress_of(website)[0]

    @display(description="Outcome")
    def outcome(self, website: Website) -> str:
        return ", ".join(f"{count:,} {word}" for word, count in counts_of(website))

    def get_urls(self) -> list[Any]:
        wrapped = self.admin_site.admin_view
        return [
            path("<int:id>/progress/", wrapped(self.progress_view), name="website-progress"),
            path("<int:id>/read/", wrapped(require_POST(self.read_view)), name="website-read"),
            path("<int:id>/stop/", wrapped(require_POST(self.stop_view)), name="website-stop"),
            *super().get_urls(),
        ]

    def progress_view(self, request: HttpRequest, id: int) -> JsonResponse:
        website = get_object_or_404(Website, pk=id)
        if not self.has_view_or_change_permission(request, website):
            raise PermissionDenied
        text, done, total = progress_of(website)
        state = "reading" if website.reading else "read"
        return JsonResponse({"state": state, "text": text, "done": done, "total": total})

    def read_view(self, request: HttpRequest, id: int) -> HttpResponse:
        website = self.changeable(request, id)
        if why := not_listed(website.start):
            messages.error(request, why)
        elif not jobs.begin(website):
            messages.error(
                request, "This site is being read already, or it is off: tick “active” and save."
            )
        return HttpResponseRedirect(page_of(website))

    def stop_view(self, request: HttpRequest, id: int) -> HttpResponse:
        website = self.changeable(request, id)
        jobs.stop(website)
        return HttpResponseRedirect(page_of(website))

    def changeable(self, request: HttpRequest, id: int) -> Website:
        website = get_object_or_404(Website, pk=id)
        if not self.has_change_permission(request, website):
            raise PermissionDenied
        return website

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        website: Website | None = context.get("original")
        if website:
            context |= shown(website)
            context["may_change"] = self.has_change_permission(request, website)
            context["not_listed"] = not_listed(website.start)
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Website, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "publish" in form.changed_data:
            # Unchanged pages are then taken again, and published.
            obj.pages.update(etag="", modified="")

    def get_deleted_objects(self, objs: Iterable[Model], request: HttpRequest) -> tuple[Any, ...]:
        names = [f"{website}. Its articles stay." for website in objs]
        return names, {self.opts.verbose_name_plural: len(names)}, set(), []


def progress_of(website: Website) -> tuple[str, int, int]:
    """Return a sentence, the pages read, and the pages found."""
    done, total = queue.progress(website)
    if not website.run:
        return "not read yet", 0, 0
    found = f"{total:,} found" if website.reading or done < total else ""
    return " of ".join(filter(None, (f"{done:,} read", found))), done, total


def counts_of(website: Website) -> list[tuple[str, int]]:
    counts = website.report.get("counts", {})
    return [(text, counts[word]) for word, text in WORDS.items() if counts.get(word)]


def shown(website: Website) -> dict[str, Any]:
    text, done, total = progress_of(website)
    addresses = website.pages.filter(taken=True).values("address")
    articles = Article.objects.filter(source__in=addresses)
    left_out = website.report.get("left_out", [])
    return {
        "progress": text,
        "done": done,
        "total": max(1, total),
        "counts": counts_of(website),
        "articles": articles[:SHOWN_ARTICLES],
        "more_articles": max(0, articles.count() - SHOWN_ARTICLES),
        "more_left_out": website.report.get("counts", {}).get("left out", 0) - len(left_out),
    }
