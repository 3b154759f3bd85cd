"""Admin pages of tables with millions of rows: nothing is counted or listed without a limit."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

# Rows that are counted; the others can be reached with a filter.
COUNTED = 10_000


class ShortPaginator(Paginator):
    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by("-pk").values("pk")[:COUNTED].count())


class Removable:
    """Deletion without a list of all dependent rows."""

    remove: Callable[[Any], None]

    def get_deleted_objects(self, objs: Iterable[Model], request: HttpRequest) -> tuple[Any, ...]:
        names = [f"{obj}, and all its events" for obj in objs]
        return names, {self.opts.verbose_name_plural: len(names)}, set(), []  # type: ignore[attr-defined]  # a ModelAdmin's

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for obj in queryset:
            self.remove(obj)


class TypeFilter(admin.SimpleListFilter):
    """A filter by the known types, not by those found in the table, which would take a scan."""

    title = "type"
    parameter_name = "type"
    types: tuple[str, ...]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in self.types]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset
