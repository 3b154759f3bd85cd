"""Pages that ask first: following a link, which may be somebody else's, does nothing."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse


def asked(
    request: HttpRequest,
    about: Any,
    title: str,
    text: str,
    act: Callable[[], str],
    form: forms.Form | None = None,
) -> HttpResponse:
    """act: what the button does; returns where to go then."""
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
    return reverse(f"admin:crm_{row._meta.model_name}_change", args=[row.pk])
