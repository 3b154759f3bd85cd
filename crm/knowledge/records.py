"""Records in: parse, upsert, and cut into passages."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from crm.ids.aliases import known
from crm.knowledge import wording
from crm.knowledge.indexing import Report, batched, next_change, silent
from crm.knowledge.keys import record_keys
from crm.models import Customer, Key, Passage, Record, Tombstone
from crm.plumbing import storable
from crm.plumbing.storable import RecordError, unstorable
from inference.index import SHARED
from inference.length import words
from inference.text import trimmed

BATCH = 200
PASSAGE_WORDS = 110
# Of one record: twice as many as the longest text has. Fields may be as long as a webhook's body.
MOST_PASSAGES = 2_000
logger = logging.getLogger("attune.records")


# Of states that bear one time; a CRM that writes more of them within a second is not known.
STATES_SEEN = 20


@dataclass
class ImportReport:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)
    # What was cut or set right in rows that were taken.
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.created + self.updated + self.unchanged + self.stale


def parse(row: Any, came: datetime | None = None) -> Record:
    """An unsaved Record (its `customer_id` may not exist yet) or a RecordError.

    came: when the row came, if not now.
    """
    if not isinstance(row, dict):
        raise RecordError("a record is a JSON object")
    notes: list[str] = []
    row = storable.shortened(row, notes)
    fields = typed(row, "fields", dict) or {}
    storable.check(fields)
    fields = storable.plain(fields)
    deleted = typed(row, "deleted", bool) or False
    record = Record(
        id=required_text(row, "id", 200),
        kind=required_text(row, "kind", 60),
        customer_id=optional_text(row, "customer", 200) if deleted else owner(row),
        title=required_text(row, "title", 500),
        text=optional_text(row, "text", 200_000) or "",
        fields=fields,
        latest=wording.latest_day(fields),
        updated_at=storable.capped(moment(row), came or timezone.now(), notes),
        deleted=deleted,
    )
    record.states = [state(record)]
    record.partial = typed(row, "partial", bool) or False
    record.notes = tuple(notes)
    return record


def owner(row: dict[str, Any]) -> str | None:
    """Whose it is. Only an explicit null makes it everybody's; what is missing or blank is a fault
    of its sender, who would show one customer's record to all."""
    if row.get("customer", "") is None:
        return None
    if key := optional_text(row, "customer", 200):
        return key
    raise RecordError(
        '"customer" is missing or blank: give the id of the customer whose record it is, or null '
        "to show it to everybody"
    )


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
        raise RecordError(f'"{name}" holds a NUL character or half of one')
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
    """Upsert rows; a bad one is reported by its number (from 1) and the rest go on.

    A row may also be an Exception (a line that could not be read): it is reported the same way.
    """
    report = ImportReport()
    numbered = enumerate(rows, start=1)
    while batch := list(islice(numbered, BATCH)):
        upsert(list(accepted(batch, report)), report)
    return report


def accepted(batch: list[tuple[int, Any]], report: ImportReport) -> Iterator[Record]:
    for number, row in batch:
        try:
            if isinstance(row, Exception):
                raise RecordError(str(row))
            record = parse(row)
            report.notes += [(number, note) for note in record.notes]
            yield record
        except RecordError as error:
            report.errors.append((number, str(error)))


@transaction.atomic
def upsert(records: list[Record], report: ImportReport) -> None:
    # First: customers are merged and erased under the same lock.
    change = next_change()
    records = belonging(records, report)
    Customer.objects.bulk_create(
        [Customer(id=key) for key in {r.customer_id for r in records} if key],
        ignore_conflicts=True,
    )
    there = Record.objects.select_for_update().in_bulk([record.id for record in records])
    rows = Rows()
    for record in records:
        store(record, there, change, report, rows)
    rows.write()


def belonging(records: list[Record], report: ImportReport) -> list[Record]:
    """Each with the customer that it belongs to now: one that was merged goes on as another, and of
    one that was erased nothing is kept."""
    customers = known(record.customer_id for record in records if record.customer_id)
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
    """A record that came never, or will come late, is deleted too. Returns what is to be said.

    keep: what it says stays on file, since it may be restored.
    """
    there = Record.objects.filter(id=key).first()
    gone = Record(id=key, kind="unknown", title=key, updated_at=at, deleted=True)
    for name in ("kind", "customer_id", "title", *(("text", "fields", "latest") if keep else ())):
        setattr(gone, name, getattr(there or gone, name))
    gone.states = [state(gone)]
    upsert([gone], ImportReport())
    return gone.notes


def restore(key: str, at: datetime) -> None:
    """Those of its parts that were deleted before."""
    gone = Record.objects.filter(id__in=parts_of(key), deleted=True, updated_at__lte=at)
    found = list(gone)
    for record in found:
        record.deleted, record.updated_at = False, at
        record.states = [state(record)]
    upsert(found, ImportReport())


def parts_of(key: str) -> list[str]:
    """Records whose ids go on from this one."""
    start = f"{key}:"
    found = Record.objects.filter(id__startswith=start).values_list("id", flat=True)
    # SQLite's LIKE takes "ZD/" for "zd/".
    return [id for id in found if id.startswith(start)]


@dataclass
class Rows:
    """What hangs on the records of one transaction, written together."""

    passages: list[Passage] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    records: set[str] = field(default_factory=set)

    def begin(self, record: Record) -> None:
        """A record that comes twice finds what the first one brought."""
        if record.id in self.records:
            self.write()
        self.records.add(record.id)

    def write(self) -> None:
        Passage.objects.bulk_create(self.passages)
        Key.objects.bulk_create(self.keys)
        self.passages, self.keys, self.records = [], [], set()


def store(
    record: Record, known: dict[str, Record], change: int, report: ImportReport, rows: Rows
) -> None:
    old = known.get(record.id)
    if old and stale(old, record):
        report.stale += 1
        since = f"{old.updated_at:%Y-%m-%d %H:%M:%S} UTC"
        record.notes += (
            f"{record.id} is on file as of {since}: this is older, and changes nothing",
        )
        return
    if old and record.partial:
        record.text = record.text or old.text
    if old and record.deleted and record.customer_id is None:
        record.customer_id = old.customer_id  # Whoever is erased takes its title along.
    if old and same(old, record):
        report.unchanged += 1
        return
    rows.begin(record)
    record.save(force_insert=old is None, force_update=old is not None)
    known[record.id] = record
    report.created += old is None
    report.updated += old is not None
    name_customer(record)
    write_passages(record, change, rows, is_new=old is None)
    write_keys(record, rows, is_new=old is None)


def stale(old: Record, new: Record) -> bool:
    """Older, or as old and a repetition of a state that another of the same time came after."""
    if old.updated_at != new.updated_at:
        return old.updated_at > new.updated_at
    seen, told = old.states or [state(old)], new.states[-1]
    new.states = seen if told in seen else [*seen, told][-STATES_SEEN:]
    return told in seen[:-1]


def same(old: Record, new: Record) -> bool:
    names = ("kind", "customer_id", "title", "text", "fields", "updated_at", "deleted")
    return all(getattr(old, name) == getattr(new, name) for name in names)


def name_customer(record: Record) -> None:
    """The record of kind `customer` gives the customer their name."""
    if record.kind == "customer" and record.customer_id:
        Customer.objects.filter(id=record.customer_id).update(name=record.title[:300])


def write_passages(record: Record, change: int, rows: Rows, is_new: bool = False) -> None:
    """Rows whose text did not change keep their vector."""
    texts = [] if record.deleted else passages(record)
    scope = record.customer_id
    there = [] if is_new else record.passages.all()
    old = {passage.position: passage for passage in there}
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
    """The passages anew from the records on file, as after an upgrade that cuts them otherwise."""
    ids, done = list(Record.objects.filter(deleted=False).values_list("id", flat=True)), 0
    for some in batched(ids, BATCH):
        with transaction.atomic():
            change, rows = next_change(), Rows()
            found = Record.objects.select_for_update().filter(id__in=some, deleted=False)
            for record in found.prefetch_related("passages"):
                write_passages(record, change, rows)
            rows.write()
        done += len(some)
        report(done, len(ids))


def bury(passages: list[Passage], change: int) -> None:
    """Readers of the index learn from the tombstones that these are gone."""
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


def passages(record: Record) -> list[str]:
    """Texts of about a hundred words, each beginning with the record's title."""
    texts: list[list[str]] = [[]]
    room = PASSAGE_WORDS
    for fact in facts_of(record):
        if texts[-1] and words(fact) > room:
            texts.append([])
            room = PASSAGE_WORDS
        texts[-1].append(fact)
        room -= words(fact)
        if len(texts) > MOST_PASSAGES:
            logger.warning("record %s is searched up to passage %s", record.id, MOST_PASSAGES)
            break
    return ["\n".join([record.title, *lines]) for lines in texts[:MOST_PASSAGES]]


def facts_of(record: Record) -> Iterator[str]:
    yield from wording.paragraphs(record.text, PASSAGE_WORDS)
    for line in wording.lines(record.fields):
        yield from wording.fitting_line(line, PASSAGE_WORDS)
