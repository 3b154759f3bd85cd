"""Confirmation pages: merely following a link, which somebody else may have made, does nothing."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse


def confirmed(
    request: HttpRequest,
    about: Any,
    title: str,
    text: str,
    act: Callable[[], str],
    form: forms.Form | None = None,
) -> HttpResponse:
    """Show a page with a button. act: does what the button says, and returns the URL of the next
    page."""
    if request.method == "POST" and (form is None or form.is_valid()):
        return HttpResponseRedirect(act())
    context = admin.site.each_context(request) | {
        "title": title,
        "about": about,
        "text": text,
        "form": form,
        "back": page_of(about),
    }
    return TemplateResponse(request, "admin/crm/asked.html", context)


def page_of(row: Any) -> str:
    """Return the address of a row's page, where the admin reads "_40" in a key as "@"."""
    return reverse(f"admin:crm_{row._meta.model_name}_change", args=[quote(row.pk)])
