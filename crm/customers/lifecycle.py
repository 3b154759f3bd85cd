"""Customers that go on as others, and customers that are forgotten.

Both take the next change of the index first, whose row stays locked until they are done: merges,
erasures and upserts follow one another, in whichever processes.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm.adapters import dialect, spelling
from crm.customers import mentions
from crm.ids.aliases import everyone, root_of, told
from crm.ids.namespaces import place
from crm.knowledge.indexing import next_change
from crm.knowledge.records import Rows, bury, required_text, write_keys, write_passages
from crm.models import Customer, Passage, Record, Source
from crm.plumbing.storable import RecordError
from crm.signals import customer_erased, customer_merged


@transaction.atomic
def merge(old: str, into: str) -> None:
    """`old` and all who went on as it are from now on `into`; what comes late for them too. Of who
    was erased nothing is left to go on, and nothing of them is kept later."""
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
        # Their records would go with a person who has not asked for it.
        raise RecordError(f"{stays!r} was erased, so {gone!r} cannot go on as them, and stays")
    move_records(gone, stays, change)
    Customer.objects.filter(Q(id=gone) | Q(merged_into=gone)).update(merged_into=stays)
    Customer.objects.filter(id=stays, name="").update(name=customers[gone].name)
    customer_merged.send(Customer, old=gone, into=stays)


def link(source: Source, theirs: str, own: str) -> tuple[str, str]:
    """A source's customer is one of the company's own. Returns both ids as they are kept."""
    if not source.namespace:
        raise RecordError(
            f"the ids of {source.name} are your own already; merge two of them with a "
            "customer.merged event"
        )
    row = {"theirs": theirs, "own": own}
    bare = spelling(dialect(source.dialect), required_text(row, "theirs", 200))
    old = required_text({"id": place(source.namespace, bare)}, "id", 200)
    into = told(required_text(row, "own", 200))
    merge(old, into)
    if root_of(old) != root_of(into):
        raise RecordError(f"customer {old!r} was erased, and is linked to nobody")
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
    """Everything about the person goes, whichever of their ids is named; the bare ids stay, so that
    what comes late is not kept."""
    change = next_change()
    ids = everyone(id)
    Customer.objects.get_or_create(id=ids[0])
    theirs = Record.objects.filter(customer__in=ids)
    bury(list(Passage.objects.filter(record__in=theirs)), change)
    # A deletion names the record only.
    mentions.forget([*ids, *theirs.values_list("id", flat=True)])
    theirs.delete()
    Customer.objects.filter(id__in=ids).update(name="", erased_at=timezone.now())
    customer_erased.send(Customer, customers=ids)


def erase_deleted(id: str) -> None:
    """As a system asks that deletes a customer: it does so, too, with one whom it has merged into
    another, and then the other one stays."""
    if not is_alias(id):
        erase(id)


def is_alias(id: str) -> bool:
    return Customer.objects.filter(id=id).exclude(merged_into=None).exists()
