"""Resolves ids to customers. Each customer is a root or an alias of one root; `merged_into` never
names an alias, so one step always reaches the root."""

from collections.abc import Iterable

from crm.dialects.salesforce import full_id
from crm.models import Customer, Source


class SeveralSystems(ValueError):
    """A bare id that only customers of other systems have; the message names them."""


def customers_by_id(ids: Iterable[str]) -> dict[str, Customer]:
    """Return the customers with these ids; a Salesforce id of 15 characters finds the one of 18."""
    spelled = {id: full_id(id) for id in ids}
    customers = Customer.objects.in_bulk({*spelled, *spelled.values()})
    rows = ((id, customers.get(id) or customers.get(full)) for id, full in spelled.items())
    return {id: row for id, row in rows if row}


def root_of(id: str) -> str:
    """Return the id of the customer that this one was merged into, or the id itself if it was never
    merged or is unknown."""
    customer = customers_by_id([id]).get(id)
    return (customer.merged_into_id or customer.id) if customer else id


def all_ids(id: str) -> list[str]:
    """Return all ids of this person, the root's first."""
    root = root_of(id)
    merged = Customer.objects.filter(merged_into=root).order_by("id")
    return [root, *merged.values_list("id", flat=True)]


def resolve(id: str) -> str:
    """Return the root of the customer that a person means by an id. Raises SeveralSystems, rather
    than guess, if only customers of other systems have it."""
    if customer := customers_by_id([id]).get(id):
        return customer.merged_into_id or customer.id
    spaces = Source.objects.exclude(namespace="").values_list("namespace", flat=True)
    if elsewhere := sorted(customers_by_id(f"{space}/{id}" for space in spaces)):
        raise SeveralSystems(
            f"No customer of your own has the id {id}; customers of other systems have it: "
            f"{', '.join(elsewhere)}. Name one of these."
        )
    return id
