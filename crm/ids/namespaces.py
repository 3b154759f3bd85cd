"""Namespaces of ids: contact 7 of one system and user 7 of another are two people.

A source with a namespace can name only ids inside it: `zd/ticket:77`, `zd/501`. The company's own
ids, used by imports, the API and sources in Attune's own dialect, have no namespace.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from django.db.models import QuerySet
from django.utils.text import slugify

from crm.dialects import Change
from crm.models import Article, ImportPlan, Source
from inference.text import trimmed

# Fields in the data of a change that hold the id of a customer or a record.
NAMING = ("id", "customer", "from", "into", "of_customer")
# Characters of a plan's namespace, which the ids of its records and its number follow.
LONGEST_PLAN = 40


def for_new_source(name: str, dialect: str, own_ids: bool | None = None) -> str:
    """Return the namespace of a new source. `own_ids` is None for the dialect's default: Attune's
    own dialect is used by the company's programs, every other one by a further system."""
    own = dialect == "attune" if own_ids is None else own_ids
    return "" if own else free(name, Source.objects.exclude(name=name))


def for_new_plan(name: str) -> str:
    """Return the namespace of a new plan for files: like its name, and nobody else's."""
    return free(slugify(name)[:LONGEST_PLAN] or "files", Source.objects.all())


def free(wanted: str, sources: QuerySet[Source]) -> str:
    """Return the wanted namespace, or one like it if articles, a plan for files or one of these
    sources have it."""
    taken = {Article.NAMESPACE, *ImportPlan.objects.values_list("namespace", flat=True)}
    taken |= {part for names in sources.values_list("name", "namespace") for part in names}
    return next(name for name in numbered(wanted) if name not in taken)


def numbered(name: str) -> Iterator[str]:
    """Yield the name, and then "name-2", "name-3" …"""
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def keep_apart(source: Source) -> None:
    """Give a source whose dialect has changed the new dialect's default namespace; the old one says
    nothing about the new system's ids."""
    source.namespace = for_new_source(source.name, source.dialect)
    source.save(update_fields=["namespace"])


def place(namespace: str, id: Any) -> Any:
    """Return the id as it is stored. Invalid ids, such as blank ones, are returned unchanged for
    the check that follows."""
    if not namespace or isinstance(id, bool) or not isinstance(id, str | int):
        return id
    text = trimmed(str(id))
    return f"{namespace}/{text}" if text else id


def placed(namespace: str, change: Change) -> Change:
    names = {name: place(namespace, change.data[name]) for name in NAMING if name in change.data}
    return replace(change, data=change.data | names)
