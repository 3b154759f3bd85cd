"""Merges customers and erases them.

Both first take the next change number of the index, whose row stays locked until they are done: so
merges, erasures and upserts run one after the other, across all processes.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm.customers import mentions
from crm.dialects import dialect, spelling
from crm.ids.aliases import all_ids, resolve, root_of
from crm.ids.namespaces import place
from crm.importing.erasing import forget_in_imports
from crm.knowledge.indexing import next_change
from crm.knowledge.records import Rows, bury, required_text, write_keys, write_passages
from crm.models import Customer, Passage, Record, Source
from crm.plumbing import background
from crm.plumbing.storable import RecordError
from crm.signals import customer_erased, customer_merged


@transaction.atomic
def merge(old: str, into: str) -> None:
    """Make `old` and all its aliases aliases of `into`; late records of theirs go there too. If
    `old` was erased, nothing is moved, and its late records are still dropped."""
    if old == into:
        raise RecordError('"from" and "into" are the same customer')
    change = next_change()
    gone, stays = root_of(old), root_of(into)
    if gone == stays:
        return
    Customer.objects.bulk_create([Customer(id=gone), Customer(id=stays)], ignore_conflicts=True)
    customers = Customer.objects.in_bulk([gone, stays])
    if customers[gone].erased_at:
        return
    if customers[stays].erased_at:
        # The merge would erase the records of a person who has not asked for it.
        raise RecordError(f"{stays!r} was erased, so {gone!r} cannot be merged into it, and stays")
    move_records(gone, stays, change)
    Customer.objects.filter(Q(id=gone) | Q(merged_into=gone)).update(merged_into=stays)
    Customer.objects.filter(id=stays, name="").update(name=customers[gone].name)
    customer_merged.send(Customer, old=gone, into=stays)


def link(source: Source, theirs: str, own: str) -> tuple[str, str]:
    """Merge a source's customer into one of the company's own. Returns both ids as stored."""
    if not source.namespace:
        raise RecordError(
            f"{source.name} already uses your own ids; merge two of them with a "
            "customer.merged event"
        )
    row = {"theirs": theirs, "own": own}
    bare = spelling(dialect(source.dialect), required_text(row, "theirs", 200))
    old = required_text({"id": place(source.namespace, bare)}, "id", 200)
    into = resolve(required_text(row, "own", 200))
    merge(old, into)
    if root_of(old) != root_of(into):
        raise RecordError(f"customer {old!r} was erased and cannot be linked")
    return old, into


def move_records(old: str, into: str, change: int) -> None:
    rows = Rows()
    for record in Record.objects.select_for_update().filter(customer=old):
        record.customer_id = into
        record.save(update_fields=["customer"])
        rows.begin(record)
        write_passages(record, change, rows)
        write_keys(record, rows)
    rows.write()


@transaction.atomic
def erase(id: str) -> None:
    """Erase everything about the person with this id, under all of their ids. The bare ids stay,
    so that late updates are dropped."""
    change = next_change()
    ids = all_ids(id)
    Customer.objects.get_or_create(id=ids[0])
    records = Record.objects.filter(customer__in=ids)
    bury(list(Passage.objects.filter(record__in=records)), change)
    # Records' ids too: a deletion event names only the record.
    mentions.forget([*ids, *records.values_list("id", flat=True)])
    records.delete()
    Customer.objects.filter(id__in=ids).update(name="", erased_at=timezone.now())
    customer_erased.send(Customer, customers=ids)
    background.slowly(forget_in_imports, ids)  # The files that wait there may be long.


def erase_deleted(id: str) -> None:
    """Erase a customer that a system has deleted, unless it is an alias: systems also delete a
    customer after merging them into another, and that other one stays."""
    if not is_alias(id):
        erase(id)


def is_alias(id: str) -> bool:
    return Customer.objects.filter(id=id).exclude(merged_into=None).exists()
