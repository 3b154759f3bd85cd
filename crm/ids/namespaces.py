"""Whose ids they are: contact 7 of one system and user 7 of another are two people.

A source with a namespace names only what lies in it: `zd/ticket:77`, `zd/501`. The company's own
ids, which imports, the API and sources in Attune's own dialect use, have none.
"""

from dataclasses import replace
from typing import Any

from crm.adapters import Change
from crm.models import Source
from inference.text import trimmed

# What names a customer or a record in the data of a change.
NAMING = ("id", "customer", "from", "into", "of_customer")


def of_new(name: str, dialect: str, own_ids: bool | None = None) -> str:
    """The namespace of a source that is added. None: what is usual for its dialect. Attune's own is
    what a company's programs speak, and every other is the language of one more system."""
    own = dialect == "attune" if own_ids is None else own_ids
    return "" if own else name


def keep_apart(source: Source) -> None:
    """Of one that speaks another dialect now: whose ids they were, says nothing any more."""
    source.namespace = of_new(source.name, source.dialect)
    source.save(update_fields=["namespace"])


def place(namespace: str, id: Any) -> Any:
    """The id as it is stored. What is no id, such as a blank one, is left for the check."""
    if not namespace or isinstance(id, bool) or not isinstance(id, str | int):
        return id
    text = trimmed(str(id))
    return f"{namespace}/{text}" if text else id


def placed(namespace: str, change: Change) -> Change:
    names = {name: place(namespace, change.data[name]) for name in NAMING if name in change.data}
    return replace(change, data=change.data | names)
