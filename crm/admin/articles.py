"""Admin pages of articles: their list, the editor with its preview, and publication."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList

from crm.admin import article_versions
from crm.admin.article_form import ArticleForm, author, inbox_names, language, moment, named
from crm.admin.asked import page_of
from crm.admin.many import ShortPaginator
from crm.articles import drafts, editing, preview
from crm.models import Article, ArticleVersion, Record
from crm.plumbing.storable import LONGEST
from crm.signals import article_saved

State = Article.State
COLOURS = {State.PUBLISHED: "success", State.DRAFT: "info"}
# Of the versions of one article, its working copy is the newest.
NEWER = ArticleVersion.objects.filter(article=OuterRef("pk"), number__gt=OuterRef("published"))


def overdue() -> Q:
    """Select the articles that somebody should have read again by now."""
    return Q(review_by__lt=timezone.localdate()) & ~Q(state=State.ARCHIVED)


class ChoiceFilter(admin.SimpleListFilter):
    """Offers fixed choices, each with what it selects."""

    choices_with_rows: dict[str, tuple[str, Q | Exists]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, words) for name, (words, _) in self.choices_with_rows.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Article]) -> QuerySet[Article]:
        chosen = self.choices_with_rows.get(self.value() or "")
        return queryset.filter(chosen[1]) if chosen else queryset


class StateFilter(ChoiceFilter):
    title, parameter_name = "state", "state"
    choices_with_rows = {
        "published": ("Published", Q(state=State.PUBLISHED)),
        "changed": ("With unpublished changes", Exists(NEWER)),
        "draft": ("Draft", Q(state=State.DRAFT)),
        "archived": ("Archived", Q(state=State.ARCHIVED)),
    }


class OriginFilter(ChoiceFilter):
    title, parameter_name = "source", "origin"
    choices_with_rows = {
        "here": ("Written here", Q(source="")),
        "imported": ("Imported", Q(source__gt="")),
    }


class ReviewFilter(admin.SimpleListFilter):
    title, parameter_name = "review", "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("overdue", "Overdue for review")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Article]) -> QuerySet[Article]:
        return queryset.filter(overdue()) if self.value() == "overdue" else queryset


class InboxFilter(admin.SimpleListFilter):
    """Shows what the bot of one inbox tells, also that which all of them tell."""

    title, parameter_name = "inbox", "inbox"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(inbox_names().items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Article]) -> QuerySet[Article]:
        if not (key := self.value()):
            return queryset
        # SQLite cannot look into a list.
        written = queryset.alias(written=Cast("inboxes", TextField()))
        return written.filter(Q(inboxes=[]) | Q(written__contains=json.dumps(key)))


class Articles(ChangeList):
    """A page of the list, with the newest version of each article on it."""

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Article]:
        # Sorting would drag all texts along.
        queryset: QuerySet[Article] = super().get_queryset(*args, **kwargs)
        return queryset.defer("body")

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        of_article = ArticleVersion.objects.filter(article=OuterRef("pk")).order_by("-number")
        page = Article.objects.filter(pk__in=[article.pk for article in self.result_list])
        ids = page.order_by().values_list(Subquery(of_article.values("pk")[:1]), flat=True)
        versions = ArticleVersion.objects.filter(pk__in=list(ids)).defer("content")
        newest = {version.article_id: version for version in versions.select_related("by")}
        names = inbox_names()
        for article in self.result_list:
            article.newest, article.where = newest.get(article.pk), named(article.inboxes, names)


@admin.register(Article)
class ArticleAdmin(ModelAdmin):
    form = ArticleForm
    list_display = ["title", "kind", "standing", "told_in", "tongue", "review", "changed"]
    list_filter = [StateFilter, "kind", ReviewFilter, OriginFilter, InboxFilter]
    search_fields = ["title", "body"]
    search_help_text = "Words of the title or the text"
    ordering = ["-changed_at", "-id"]
    sortable_by = ["title", "review", "changed"]
    list_per_page = 50
    paginator = ShortPaginator
    show_full_result_count = False
    actions = ["publish_chosen", "archive_chosen"]
    readonly_fields = ["told_in", "tongue"]
    editing_fields = ArticleForm.Meta.fields
    reading_fields = ["title", "kind", "told_in", "tongue", "address", "review_by"]

    class Media:
        names = ["chatbot/admin/theme.css", "chatbot/admin/panels.css", "crm/admin/articles.css"]
        css = {"all": names}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Articles

    def get_urls(self) -> list[Any]:
        wrapped, versions = self.admin_site.admin_view, article_versions
        one = "<int:pk>/versions/<int:number>/"
        return [
            path("preview/", wrapped(require_POST(self.preview)), name="article-preview"),
            path("<int:pk>/versions/", wrapped(versions.listed), name="article-versions"),
            path(one, wrapped(versions.shown), name="article-version"),
            path(f"{one}restore/", wrapped(versions.restored), name="article-restore"),
            *super().get_urls(),
        ]

    # --- the list

    @display(description="State")
    def standing(self, article: Article) -> SafeString:
        state, newest = State(article.state), article.newest  # type: ignore[attr-defined]  # see Articles
        label = {"text": state.label.lower(), "type": COLOURS.get(state, "")}
        badge = render_to_string("unfold/helpers/label.html", label)
        if article.published and newest and newest.number > article.published:
            return format_html('{}<small class="under">with unpublished changes</small>', badge)
        return badge

    @display(description="Inboxes")
    def told_in(self, article: Article) -> str:
        return getattr(article, "where", None) or named(article.inboxes)

    @display(description="Language")
    def tongue(self, article: Article) -> str:
        return language(article.language)

    @display(description="Review by", ordering="review_by")
    def review(self, article: Article) -> str | SafeString:
        if article.review_by is None:
            return ""
        day = date_format(article.review_by, "j M Y")
        if article.review_by >= timezone.localdate() or article.state == State.ARCHIVED:
            return day
        return format_html('<span class="overdue">{}<small>overdue</small></span>', day)

    @display(description="Changed", ordering="changed_at")
    def changed(self, article: Article) -> SafeString:
        by = author(article.newest)  # type: ignore[attr-defined]  # see Articles
        when = moment(article.changed_at)
        return format_html('{} <small class="under">by <bdi>{}</bdi></small>', when, by)

    @admin.action(description="Publish the chosen articles", permissions=["change"])
    def publish_chosen(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        self.do_with_all(request, queryset, editing.publish, "published; customers now see")

    @admin.action(description="Archive the chosen articles", permissions=["change"])
    def archive_chosen(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        rows = queryset.exclude(state=State.ARCHIVED)
        self.do_with_all(request, rows, editing.archive, "archived; customers no longer see")

    def do_with_all(
        self, request: HttpRequest, queryset: QuerySet[Article], act: Any, done: str
    ) -> None:
        with transaction.atomic():
            articles = list(queryset.select_for_update())
            for article in articles:
                act(article, by=request.user)
        them = "it" if len(articles) == 1 else "them"
        were = "was" if len(articles) == 1 else "were"
        count = f"{len(articles)} article{pluralize(len(articles))}"
        messages.success(request, f"{count} {were} {done} {them}.")

    # --- the editor

    def get_fields(self, request: HttpRequest, obj: Article | None = None) -> list[str]:
        may_edit = self.has_change_permission(request, obj) if obj else True
        return self.editing_fields if may_edit else self.reading_fields

    def has_delete_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        """Only a draft that customers were never told: others are archived."""
        allowed = super().has_delete_permission(request, obj)
        if obj is None or not allowed:
            return allowed
        was_told = Record.objects.filter(id=obj.record).exists()
        return obj.state == State.DRAFT and not was_told

    def preview(self, request: HttpRequest) -> TemplateResponse:
        """Show the form's text as a customer and as search would see it."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        title, body = request.POST.get("title", ""), request.POST.get("body", "")
        article = Article(title=title[: LONGEST["title"]], body=body[: LONGEST["text"]])
        context = {"article": article, "html": preview.as_html(article.body)}
        if article.body.strip():
            context["passages"] = drafts.as_passages(article)
        return TemplateResponse(request, "admin/crm/article/preview.html", context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Article | None = None,
        **kwargs: Any,
    ) -> HttpResponse:
        may_edit = self.has_change_permission(request, obj) if obj else True
        context |= {"may_edit": may_edit, "archived": obj and obj.state == State.ARCHIVED}
        context["told"] = obj and obj.published
        if obj:
            record = Record.objects.filter(id=obj.record).first()
            context |= {"newest": obj.versions.select_related("by").first()}
            context["by"] = author(context["newest"])
            may_see_it = record and request.user.has_perm("crm.view_record")
            context["record_page"] = page_of(record) if may_see_it else ""
            context["html"] = preview.as_html(obj.body)
            context["overdue"] = Article.objects.filter(overdue(), pk=obj.pk).exists()
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        by: Any = request.user
        if "_publish" in request.POST:
            editing.publish(obj, by)
        elif "_archive" in request.POST:
            editing.archive(obj, by)
        else:
            editing.save(obj, by)
        article_saved.send(Article, article=obj, query=request.GET)

    def response_add(
        self, request: HttpRequest, obj: Article, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.response_change(request, obj)

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        messages.success(request, what_customers_are_told(obj))
        return HttpResponseRedirect(page_of(obj))


def what_customers_are_told(article: Article) -> str:
    """Say what has just been done, and what follows from it for customers."""
    newest = article.versions.defer("content").first()
    version = newest.number if newest else 1
    if article.state == State.ARCHIVED:
        return "The article is archived: customers do not see it. You can publish it again."
    if article.published is None:
        return f"Saved as version {version}, a draft. Customers do not see it until you publish it."
    if article.published < version:
        return (
            f"Saved as version {version}. Customers still see version {article.published} "
            "until you publish your changes."
        )
    where = named(article.inboxes) if article.inboxes else "all inboxes"
    return f"Customers of {where} now see version {version}, which is this text."
