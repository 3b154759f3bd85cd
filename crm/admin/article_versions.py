"""The versions of an article: their list, each one with its difference to the text of now, and
restoring."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from crm.admin.article_form import author, language, named
from crm.admin.asked import page_of
from crm.articles import editing, preview
from crm.models import Article, ArticleVersion

# The newest ones; nobody has yet changed one article more often.
LISTED = 200
# Lines on both sides of a change.
AROUND = 3
# Comparing takes longer than linear time: 2,000 lines take less than half a second.
MOST_LINES = 2_000
Line = tuple[str, str]


def listed(request: HttpRequest, pk: int) -> TemplateResponse:
    article = visible_article(request, pk)
    versions = list(article.versions.select_related("by").defer("content")[:LISTED])
    newest = versions[0].number if versions else 0
    rows = [(version, author(version), standing(version, article, newest)) for version in versions]
    context = admin.site.each_context(request) | {
        "title": f"Versions of “{article}”",
        "article": article,
        "back": page_of(article),
        "rows": rows,
        "full": len(rows) == LISTED,
    }
    return TemplateResponse(request, "admin/crm/article/versions.html", context)


def standing(version: ArticleVersion, article: Article, newest: int) -> str:
    told = version.number == article.published
    marks = [("seen by customers", told), ("current text", version.number == newest)]
    return ", ".join(words for words, holds in marks if holds)


def shown(request: HttpRequest, pk: int, number: int) -> TemplateResponse:
    article = visible_article(request, pk)
    version = get_object_or_404(article.versions.select_related("by"), number=number)
    then, now = lines_of(version.content), lines_of(editing.content(article))
    context = admin.site.each_context(request) | {
        "title": f"Version {number} of “{article}”",
        "article": article,
        "back": page_of(article),
        "version": version,
        "by": author(version),
        "same": then == now,
        "too_long": max(len(then), len(now)) > MOST_LINES,
        "changes": list(difference(then, now)),
        "html": preview.as_html(str(version.content["body"])),
        "may_restore": request.user.has_perm("crm.change_article"),
    }
    return TemplateResponse(request, "admin/crm/article/version.html", context)


@require_POST
def restored(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    if not request.user.has_perm("crm.change_article"):
        raise PermissionDenied
    with transaction.atomic():
        article = get_object_or_404(Article.objects.select_for_update(), pk=pk)
        get_object_or_404(article.versions, number=number)
        made = editing.restore(article, number, by=request.user)  # type: ignore[arg-type]  # of the admin
    told = f"still see version {article.published}" if article.published else "do not see it"
    messages.success(
        request,
        f"Version {number} is the article's text again, as version {made.number}. Customers "
        f"{told} until you publish it.",
    )
    return HttpResponseRedirect(page_of(article))


def visible_article(request: HttpRequest, pk: int) -> Article:
    rights = ("crm.view_article", "crm.change_article")
    if not any(map(request.user.has_perm, rights)):
        raise PermissionDenied
    return get_object_or_404(Article, pk=pk)


def lines_of(content: dict[str, Any]) -> list[str]:
    """Write out a version line by line, with what stands beside its text."""
    heads = {
        "Title": content["title"],
        "Kind": Article.Kind(content["kind"]).label,
        "Language": language(content["language"]),
        "Public address": content["address"],
        "Inboxes": named(content["inboxes"]),
    }
    written = [f"{name}: {value}" for name, value in heads.items() if value]
    return [*written, "", *content["body"].splitlines()]


def difference(then: list[str], now: list[str]) -> Iterator[list[Line]]:
    """Yield each place that changed as lines, marked "removed", "added" or "same"."""
    if max(len(then), len(now)) > MOST_LINES:
        return
    for group in SequenceMatcher(None, then, now).get_grouped_opcodes(AROUND):
        yield [line for change in group for line in lines_of_change(change, then, now)]


def lines_of_change(
    change: tuple[str, int, int, int, int], then: list[str], now: list[str]
) -> Iterator[Line]:
    tag, start, end, new_start, new_end = change
    if tag == "equal":
        yield from (("same", line) for line in then[start:end])
        return
    yield from (("removed", line) for line in then[start:end])
    yield from (("added", line) for line in now[new_start:new_end])
