"""Whose an id is. Each customer is a root, or an alias of one root: `merged_into` never names an
alias, so that one step always arrives."""

from collections.abc import Iterable

from crm.adapters.salesforce import full_id
from crm.models import Customer, Source


class SeveralSystems(ValueError):
    """A bare id of which only other systems' customers are known; the message names them."""


def known(ids: Iterable[str]) -> dict[str, Customer]:
    """Customers by these ids; a Salesforce id of 15 characters finds the one of 18."""
    spelled = {id: full_id(id) for id in ids}
    found = Customer.objects.in_bulk({*spelled, *spelled.values()})
    rows = ((id, found.get(id) or found.get(full)) for id, full in spelled.items())
    return {id: row for id, row in rows if row}


def root_of(id: str) -> str:
    """The customer that this one goes on as; itself where it was never merged, or is not known."""
    found = known([id]).get(id)
    return (found.merged_into_id or found.id) if found else id


def everyone(id: str) -> list[str]:
    """All ids of this person, the root's first."""
    root = root_of(id)
    merged = Customer.objects.filter(merged_into=root).order_by("id")
    return [root, *merged.values_list("id", flat=True)]


def told(id: str) -> str:
    """The person whom somebody means by an id, who has all of their records. SeveralSystems where
    only other systems' customers have it, rather than a guess."""
    if found := known([id]).get(id):
        return found.merged_into_id or found.id
    spaces = Source.objects.exclude(namespace="").values_list("namespace", flat=True)
    if elsewhere := sorted(known(f"{space}/{id}" for space in spaces)):
        raise SeveralSystems(
            f"No customer of your own has the id {id}; customers of other systems have it: "
            f"{', '.join(elsewhere)}. Name one of these."
        )
    return id
