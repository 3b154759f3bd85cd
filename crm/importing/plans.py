"""Keeps plans: how the files of one kind are imported."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from crm.ids import namespaces
from crm.importing import mapping
from crm.models import Article, ImportPlan, Record, RecordKind
from crm.plumbing import storable

# The plan of documents that somebody imports without choosing one.
DOCUMENTS = "Documents"
LONGEST_SOURCE = 500  # characters of Article.source


@transaction.atomic
def save(plan: ImportPlan) -> None:
    """Store the plan, and what its columns mean as the meaning of the kind's fields."""
    plan.namespace = plan.namespace or namespaces.for_new_plan(plan.name)
    plan.save()
    if roles := roles_of(plan):
        for kind in kinds_of(plan):
            RecordKind.objects.update_or_create(name=kind, defaults=roles)


def roles_of(plan: ImportPlan) -> dict[str, Any]:
    """Return what the plan says of its kinds' fields; nothing if it names none."""
    roles = {role: plan.columns[role] for role in RecordKind.ROLES if role in plan.columns}
    return roles | {"confirmed": True} if roles else {}


def kinds_of(plan: ImportPlan) -> list[str]:
    """Return the plan's kind or, where a column names it, the kinds that it has brought so far."""
    if "kind" not in plan.columns:
        return [plan.kind]
    mine = Record.objects.filter(id__startswith=f"{plan.namespace}/", deleted=False)
    return list(mine.values_list("kind", flat=True).distinct().order_by())


def meet(plan: ImportPlan, kinds: Iterable[str]) -> None:
    """Say what the fields of new kinds mean; what somebody has confirmed stays."""
    if roles := roles_of(plan):
        for kind in kinds:
            RecordKind.objects.get_or_create(name=kind, defaults=roles)
            RecordKind.objects.filter(name=kind, confirmed=False).update(**roles)


def matching(names: Iterable[str]) -> ImportPlan | None:
    """Return the plan for tables with these columns, if exactly one fits."""
    names = list(names)
    found = [plan for plan in ImportPlan.objects.all() if mapping.fits(plan, names)]
    return found[0] if len(found) == 1 else None


def for_documents() -> ImportPlan:
    """Return the plan of documents, not saved yet if it is the first time."""
    return ImportPlan.objects.filter(name=DOCUMENTS).first() or ImportPlan(name=DOCUMENTS)


def free_name(wanted: str) -> str:
    taken = set(ImportPlan.objects.values_list("name", flat=True))
    return next(name for name in namespaces.numbered(wanted[:90]) if name not in taken)


def source_of(plan: ImportPlan, document: str) -> str:
    """Return what an article that was imported remembers as its source."""
    source = f"{plan.namespace}/{document}"
    if len(source) <= LONGEST_SOURCE:
        return source
    return f"{source[: LONGEST_SOURCE - 17]} {storable.digest(source)}"


def known_ids(plan: ImportPlan, of_table: bool) -> set[str]:
    """Return the ids of the plan's records or, unless `of_table`, the sources of its articles."""
    start = f"{plan.namespace}/"
    records = Record.objects.filter(id__startswith=start, deleted=False).values_list("id")
    articles = Article.objects.filter(source__startswith=start).values_list("source")
    rows = records if of_table else articles.exclude(state=Article.State.ARCHIVED)
    # SQLite's LIKE takes "A/" for "a/".
    return {id for (id,) in rows if id.startswith(start)}
