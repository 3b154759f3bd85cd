"""Parses records, and stores them with their passages."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.ids.aliases import customers_by_id
from crm.knowledge import record_text
from crm.knowledge.indexing import Report, batched, next_change, silent
from crm.knowledge.keys import record_keys
from crm.knowledge.passages import PARTLY, passages
from crm.models import Article, Customer, Key, Passage, Record, Tombstone
from crm.plumbing import storable
from crm.plumbing.storable import RecordError
from inference.index import SHARED
from inference.text import trimmed, unstorable

BATCH = 200
# States with the same time that are remembered; no known CRM writes more within one second.
STATES_SEEN = 20
# Ids that begin so belong to the articles that people write in Attune (crm/articles).
ARTICLES = f"{Article.NAMESPACE}/"


@dataclass
class ImportReport:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)
    # What was cut or corrected in accepted rows.
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.created + self.updated + self.unchanged + self.stale


def parse(row: Any, came: datetime | None = None) -> Record:
    """Return an unsaved Record, whose `customer_id` may not exist yet. Raises RecordError.

    came: when the row arrived, if not now.
    """
    if not isinstance(row, dict):
        raise RecordError("a record is a JSON object")
    notes: list[str] = []
    row = storable.shortened(row, notes)
    fields = typed(row, "fields", dict) or {}
    storable.check(fields)
    fields = storable.without_markup(fields)
    deleted = typed(row, "deleted", bool) or False
    record = Record(
        id=own_id(row),
        kind=required_text(row, "kind", 60),
        customer_id=optional_text(row, "customer", 200) if deleted else owner(row),
        title=required_text(row, "title", 500),
        text=optional_text(row, "text", 200_000) or "",
        fields=fields,
        latest=record_text.latest_day(fields),
        address=web_address(row),
        updated_at=storable.capped(moment(row), came or timezone.now(), notes),
        deleted=deleted,
    )
    record.states = [state(record)]
    record.keeps = unchanged_fields(row.get("partial"))
    record.notes = tuple(notes)
    return record


def own_id(row: dict[str, Any]) -> str:
    """Return the record's id, which a CRM may use."""
    id = required_text(row, "id", 200)
    if id.startswith(ARTICLES):
        raise RecordError(
            f'"id" must not begin with {ARTICLES!r}: those are the articles written in Attune'
        )
    return id


def owner(row: dict[str, Any]) -> str | None:
    """Return the customer's id. Only an explicit null makes a record shared: a missing or blank id
    is the sender's mistake, and would show one customer's record to everybody."""
    if row.get("customer", "") is None:
        return None
    if key := optional_text(row, "customer", 200):
        return key
    raise RecordError(
        '"customer" is missing or blank: give the id of the customer whose record it is, or null '
        "to show it to everybody"
    )


def web_address(row: dict[str, Any]) -> str:
    """Return the page where customers can read the record, "" if there is none."""
    address = optional_text(row, "address", 500) or ""
    if address and not address.startswith(("https://", "http://")):
        raise RecordError('"address" must begin with https:// or http://')
    return address


def unchanged_fields(partial: Any) -> tuple[str, ...]:
    """Return what a partial row leaves as it was; `true` means the text alone."""
    names = ["text"] if partial is True else partial or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecordError(
            '"partial" must be true, false or a list such as ["text", "fields.email"]'
        )
    return tuple(names)


def state(record: Record) -> str:
    names = ("kind", "customer_id", "title", "text", "fields", "deleted")
    return storable.digest(*(getattr(record, name) for name in names))


def required_text(row: dict[str, Any], name: str, longest: int) -> str:
    if not (value := optional_text(row, name, longest)):
        raise RecordError(f'"{name}" is missing or empty')
    return value


def optional_text(row: dict[str, Any], name: str, longest: int) -> str | None:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is not None and not isinstance(value, str):
        raise RecordError(f'"{name}" must be a string')
    if value and unstorable(value):
        raise RecordError(f'"{name}" holds a NUL character or half of a surrogate pair')
    value = trimmed(value) if value else None
    if value and len(value) > longest:
        raise RecordError(f'"{name}" is longer than {longest} characters')
    return value or None


def typed(row: dict[str, Any], name: str, kind: type) -> Any:
    value = row.get(name)
    if value is not None and not isinstance(value, kind):
        wanted = {dict: "an object", bool: "true or false"}[kind]
        raise RecordError(f'"{name}" must be {wanted}')
    return value


def moment(row: dict[str, Any]) -> datetime:
    if row.get("updated_at") in (None, ""):
        raise RecordError('"updated_at" is missing or empty')
    return storable.moment(row["updated_at"])


def import_records(rows: Iterable[Any]) -> ImportReport:
    """Upsert rows. A bad row is reported by its number (from 1), and the others are stored.

    A row may also be an Exception (for a line that could not be read), which is reported likewise.
    """
    report = ImportReport()
    numbered = enumerate(rows, start=1)
    while batch := list(islice(numbered, BATCH)):
        records = list(accepted(batch, report))
        upsert([record for _, record in records], report)
        report.notes += [(number, PARTLY) for number, record in records if PARTLY in record.notes]
    return report


def accepted(batch: list[tuple[int, Any]], report: ImportReport) -> Iterator[tuple[int, Record]]:
    for number, row in batch:
        try:
            if isinstance(row, Exception):
                raise RecordError(str(row))
            record = parse(row)
            report.notes += [(number, note) for note in record.notes]
            yield number, record
        except RecordError as error:
            report.errors.append((number, str(error)))


@transaction.atomic
def upsert(records: list[Record], report: ImportReport) -> None:
    # First, since customers are merged and erased under the same lock.
    change = next_change()
    stored = Record.objects.select_for_update().in_bulk([record.id for record in records])
    for record in records:
        keep_owner(record, stored.get(record.id))
    records = with_current_customers(records, report)
    Customer.objects.bulk_create(
        [Customer(id=key) for key in {r.customer_id for r in records} if key],
        ignore_conflicts=True,
    )
    rows = Rows()
    for record in records:
        store(record, stored, change, report, rows)
    rows.write()


def with_current_customers(records: list[Record], report: ImportReport) -> list[Record]:
    """Give records of merged customers to the customer they were merged into, and drop those of
    erased customers."""
    customers = customers_by_id(record.customer_id for record in records if record.customer_id)
    kept = []
    for record in records:
        if customer := customers.get(record.customer_id or ""):
            if customer.erased_at:
                report.stale += 1
                continue
            record.customer_id = customer.merged_into_id or customer.id
        kept.append(record)
    return kept


def delete(key: str, at: datetime, keep: bool = False) -> tuple[str, ...]:
    """Mark a record as deleted, even one that has not arrived yet, so that a late update does not
    revive it. Returns notes for the sender.

    keep: keep its content, since it may be restored.
    """
    stored = Record.objects.filter(id=key).first()
    deleted = Record(id=key, kind="unknown", title=key, updated_at=at, deleted=True)
    for name in ("kind", "customer_id", "title", *(("text", "fields", "latest") if keep else ())):
        setattr(deleted, name, getattr(stored or deleted, name))
    deleted.states = [state(deleted)]
    upsert([deleted], ImportReport())
    return deleted.notes


def restore(key: str, at: datetime) -> None:
    """Restore those parts of the record that were deleted before `at`."""
    deleted = Record.objects.filter(id__in=parts_of(key), deleted=True, updated_at__lte=at)
    records = list(deleted)
    for record in records:
        record.deleted, record.updated_at = False, at
        record.states = [state(record)]
    upsert(records, ImportReport())


def parts_of(key: str) -> list[str]:
    """Return the ids of the records that are parts of this one: "key:…"."""
    start = f"{key}:"
    ids = Record.objects.filter(id__startswith=start).values_list("id", flat=True)
    # SQLite's LIKE takes "ZD/" for "zd/".
    return [id for id in ids if id.startswith(start)]


@dataclass
class Rows:
    """The passages and keys of one transaction's records, written together."""

    passages: list[Passage] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    records: set[str] = field(default_factory=set)

    def begin(self, record: Record) -> None:
        """Start on a record. If it was written before in this batch, write the rows collected so
        far, which it must replace."""
        if record.id in self.records:
            self.write()
        self.records.add(record.id)

    def write(self) -> None:
        Passage.objects.bulk_create(self.passages)
        Key.objects.bulk_create(self.keys)
        self.passages, self.keys, self.records = [], [], set()


def store(
    record: Record, stored: dict[str, Record], change: int, report: ImportReport, rows: Rows
) -> None:
    old = stored.get(record.id)
    if old and stale(old, record):
        report.stale += 1
        since = f"{old.updated_at:%Y-%m-%d %H:%M:%S} UTC"
        record.notes += (
            f"{record.id} is stored as of {since}; this one is older and changes nothing",
        )
        return
    if old:
        complete(record, old)
    if old and record.deleted and record.customer_id is None:
        record.customer_id = old.customer_id  # So that erasing the customer removes its title.
    if old and same(old, record):
        report.unchanged += 1
        return
    rows.begin(record)
    record.save(force_insert=old is None, force_update=old is not None)
    stored[record.id] = record
    report.created += old is None
    report.updated += old is not None
    name_customer(record)
    write_passages(record, change, rows, is_new=old is None)
    write_keys(record, rows, is_new=old is None)


def complete(record: Record, old: Record) -> None:
    """Copy from the old record what a partial update leaves as it was."""
    keep_owner(record, old)
    for name in {"title", "text"}.intersection(record.keeps):
        setattr(record, name, getattr(old, name))
    kept = {name: old.fields[name] for name in old.fields if f"fields.{name}" in record.keeps}
    record.fields = kept | record.fields
    record.latest = record_text.latest_day(record.fields)


def keep_owner(record: Record, old: Record | None) -> None:
    """Keep the old customer if the row leaves it as it was. A stored record without a customer gets
    the one in the row: the row must not become shared."""
    if old and old.customer_id and "customer" in record.keeps:
        record.customer_id = old.customer_id


def stale(old: Record, new: Record) -> bool:
    """Tell whether the new row is older, or repeats a state that another state with the same time
    has replaced. Also updates the new row's `states`."""
    if old.updated_at != new.updated_at:
        return old.updated_at > new.updated_at
    seen, latest = old.states or [state(old)], new.states[-1]
    new.states = seen if latest in seen else [*seen, latest][-STATES_SEEN:]
    return latest in seen[:-1]


def same(old: Record, new: Record) -> bool:
    names = ["kind", "customer_id", "title", "text", "fields", "updated_at", "deleted"]
    names += ["inboxes", "address"]
    return all(getattr(old, name) == getattr(new, name) for name in names)


def name_customer(record: Record) -> None:
    """Name the customer after the title of a record of kind `customer`."""
    if record.kind == "customer" and record.customer_id:
        Customer.objects.filter(id=record.customer_id).update(name=record.title[:300])


def write_passages(record: Record, change: int, rows: Rows, is_new: bool = False) -> None:
    """Replace the record's passages. Those whose text did not change stay, with their vectors."""
    texts = [] if record.deleted else passages(record)
    scope = record.customer_id
    stored = [] if is_new else record.passages.all()
    old = {passage.position: passage for passage in stored}
    kept = {
        position
        for position, passage in old.items()
        if position < len(texts) and (passage.text, passage.customer_id) == (texts[position], scope)
    }
    bury([passage for position, passage in old.items() if position not in kept], change)
    rows.passages += [
        Passage(record=record, customer_id=scope, position=position, text=text, change=change)
        for position, text in enumerate(texts)
        if position not in kept
    ]


def rewrite(report: Report = silent) -> None:
    """Cut all stored records into passages again, as after an upgrade that cuts differently."""
    ids, done = list(Record.objects.filter(deleted=False).values_list("id", flat=True)), 0
    for batch in batched(ids, BATCH):
        with transaction.atomic():
            change, rows = next_change(), Rows()
            records = Record.objects.select_for_update().filter(id__in=batch, deleted=False)
            for record in records.prefetch_related("passages"):
                write_passages(record, change, rows)
            rows.write()
        done += len(batch)
        report(done, len(ids))


def bury(passages: list[Passage], change: int) -> None:
    """Delete passages, and leave tombstones from which readers of the index learn of it."""
    if not passages:
        return
    Tombstone.objects.bulk_create(
        Tombstone(passage=passage.id, scope=passage.customer_id or SHARED, change=change)
        for passage in passages
    )
    Passage.objects.filter(id__in=[passage.id for passage in passages]).delete()


def write_keys(record: Record, rows: Rows, is_new: bool = False) -> None:
    if not is_new:
        record.keys.all().delete()
    keys = set() if record.deleted else record_keys(record.id, record.title, record.fields)
    rows.keys += [Key(record=record, customer_id=record.customer_id, value=key) for key in keys]
