"""What is there, under the ids that it has from now on.

Every alias points at its root. Where several systems with ids of their own have sent records, those
of each move into its namespace, by what its events said; with one there is nothing to keep apart.
Salesforce's short ids become long ones. Each event learns whom it names.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from django.db import migrations
from django.db.models import F

LONGEST, AT_ONCE = 200, 500


def forwards(apps, schema_editor):
    canonical(apps)
    moving = Moving(apps)
    if any(map(moving.moves, moving.sources)):
        moving.read()
        moving.customers()
        moving.records()
        moving.leave()
        moving.waiting()
    mention(apps, moving)


# --- the merge graph


def canonical(apps):
    Customer = apps.get_model("crm", "Customer")
    into = dict(Customer.objects.exclude(merged_into=None).values_list("id", "merged_into"))
    roots = {id: root(id, into) for id in into}
    for id, found in roots.items():
        if into[id] != found:
            Customer.objects.filter(id=id).update(merged_into=None if id == found else found)
    erased = dict(
        Customer.objects.exclude(erased_at=None).filter(id__in=set(roots.values())).values_list(
            "id", "erased_at"
        )
    )
    mover = Mover(apps)
    for id, found in roots.items():
        if found in erased:
            Customer.objects.filter(id=id).update(name="", erased_at=erased[found])
            mover.bury(id)
        elif id != found:
            for record in mover.Record.objects.filter(customer=id):
                mover.move(record, record.id, found)


def root(id, into):
    """Of a circle, which only a fault could make, its first by name."""
    seen = []
    while id in into and id not in seen:
        seen.append(id)
        id = into[id]
    return min(seen[seen.index(id) :]) if id in seen else id


class Mover:
    """Records to other ids and customers, and what hangs on them."""

    def __init__(self, apps):
        names = ("Record", "Passage", "Vector", "Tombstone", "Key", "IndexState")
        for name in names:
            setattr(self, name, apps.get_model("crm", name))
        self.now = 0

    @property
    def change(self):
        """Taken once, where something moves at all."""
        if not self.now:
            self.IndexState.objects.get_or_create(id=1)
            self.IndexState.objects.update(changes=F("changes") + 1)
            self.now = self.IndexState.objects.get(id=1).changes
        return self.now

    def bury(self, customer):
        for record in self.Record.objects.filter(customer=customer):
            self.entomb(record)
            record.delete()

    def entomb(self, record):
        passages = list(self.Passage.objects.filter(record=record).order_by("position"))
        self.Tombstone.objects.bulk_create(
            self.Tombstone(passage=one.id, scope=one.customer_id or "", change=self.change)
            for one in passages
        )
        return passages

    def move(self, record, id, customer):
        old, passages = record.id, self.entomb(record)
        there = self.Record.objects.filter(id=id).exclude(id=old).first()
        if there and there.updated_at > record.updated_at:
            record.delete()  # Under its other spelling it is newer.
            return
        if there:
            self.entomb(there)
            there.delete()
        record.id, record.customer_id = id, customer
        record.save()
        for one in passages:
            new = self.Passage.objects.create(
                record_id=id,
                customer_id=customer,
                # The old one keeps its place until its vectors have gone on.
                position=one.position if id != old else one.position + 1_000_000,
                text=one.text,
                change=self.change,
            )
            vectors = self.Vector.objects.filter(passage_id=one.id)
            vectors.update(passage_id=new.id, change=self.change)
            self.Passage.objects.filter(id=one.id).delete()
            self.Passage.objects.filter(id=new.id).update(position=one.position)
        self.Key.objects.filter(record_id=old).update(record_id=id, customer_id=customer)
        if id != old:
            self.Record.objects.filter(id=old).delete()


# --- namespaces


@dataclass
class Told:
    """What the events of one source have named."""

    customers: set = field(default_factory=set)
    merged: set = field(default_factory=set)


class Moving:
    def __init__(self, apps):
        self.Customer = apps.get_model("crm", "Customer")
        self.InboundEvent = apps.get_model("crm", "InboundEvent")
        self.mover = Mover(apps)
        self.sources = {one.id: one for one in apps.get_model("crm", "Source").objects.all()}
        self.told = defaultdict(Told)
        # Of a record the source that spoke of it last, and whose it was then; of a customer the
        # source.
        self.last_record, self.last_customer = {}, {}
        foreign = [one for one in self.sources.values() if one.dialect != "attune"]
        for one in foreign if len(foreign) > 1 else []:
            one.namespace = one.name
            one.save(update_fields=["namespace"])

    def moves(self, source):
        """Whether its ids may be others from now on."""
        return bool(self.sources[source].namespace) or self.sources[source].dialect == "salesforce"

    def read(self):
        applied = self.InboundEvent.objects.filter(state="applied").order_by("id")
        rows = applied.values_list("source_id", "changes")
        for source, changes in rows.iterator(chunk_size=AT_ONCE):
            for change in changes:
                self.note(source, change["type"], change["data"])

    def note(self, source, type, data):
        id, customer = (text(data.get(name)) for name in ("id", "customer"))
        if type in ("record.upserted", "record.deleted") and id:
            self.last_record[id] = source, customer
        people = {text(data.get(name)) for name in ("from", "into", "customer")}
        people |= {id} if type == "customer.erased" else set()
        if type == "customer.merged":
            self.told[source].merged.add(text(data.get("from")))
        for one in people - {""}:
            self.told[source].customers.add(one)
            self.last_customer[one] = source

    def home(self, source, id):
        """Where what this source calls so is kept from now on."""
        from crm.dialects.salesforce import full_id

        found = self.sources[source]
        own = full_id(id) if found.dialect == "salesforce" else id
        placed = f"{found.namespace}/{own}" if found.namespace else own
        return placed if len(placed) <= LONGEST else id

    def customer_of(self, source, id):
        return self.home(source, id) if id in self.told[source].customers else id

    def customers(self):
        """A place for each in the namespace of each source that has named them."""
        for source, told in self.told.items():
            if not self.moves(source):
                continue
            rows = self.Customer.objects.in_bulk(told.customers)
            made = {self.home(source, id): row for id, row in rows.items()}
            made = {id: row for id, row in made.items() if id != row.id}
            self.Customer.objects.bulk_create(
                [self.copied(source, id, row) for id, row in made.items()], ignore_conflicts=True
            )
            for id, row in made.items():
                if into := self.goes_on_as(source, row):
                    self.Customer.objects.filter(id=id).exclude(id=into).update(merged_into=into)

    def copied(self, source, id, row):
        last = self.last_customer[row.id] == source
        name = row.name if last and not row.erased_at else ""
        return self.Customer(id=id, name=name, erased_at=row.erased_at)

    def goes_on_as(self, source, row):
        """A merge that another system told of is about the other system's customers."""
        tellers = {one for one, told in self.told.items() if row.id in told.merged}
        others = [one for one in tellers if one != source and self.sources[one].namespace]
        if not row.merged_into_id or (others and source not in tellers):
            return None
        into = self.customer_of(source, row.merged_into_id)
        return into if self.Customer.objects.filter(id=into).exists() else None

    def records(self):
        for id, (source, said) in self.last_record.items():
            record = self.moves(source) and self.mover.Record.objects.filter(id=id).first()
            if not record:
                continue
            new = self.home(source, id)
            owner = self.owner(source, record.customer_id, said)
            if (new, owner) != (id, record.customer_id):
                self.mover.move(record, new, owner)
                if record.kind == "customer" and owner and not record.deleted:
                    self.Customer.objects.filter(id=owner).update(name=record.title[:300])

    def owner(self, source, now, said):
        if now is None:
            return None
        root = self.Customer.objects.filter(id=said).values_list("merged_into", flat=True).first()
        if said and now in (said, root):
            now = said
        home = self.customer_of(source, now)
        row = self.Customer.objects.filter(id=home).first()
        return (row.merged_into_id or row.id) if row else now

    def leave(self):
        """A bare id that is nobody's any more is an alias until its visitors have followed."""
        for id, source in self.last_customer.items():
            new = self.customer_of(source, id)
            there = self.Customer.objects.filter(id=new).first()
            if new == id or not there or self.mover.Record.objects.filter(customer=id).exists():
                continue
            into = there.merged_into_id or there.id
            if into != id:
                self.Customer.objects.filter(id=id).update(merged_into=into)
                self.Customer.objects.filter(merged_into=id).exclude(id=into).update(
                    merged_into=into
                )

    def waiting(self):
        """What is yet to be applied, or may be again, names what it names in its namespace."""
        open = self.InboundEvent.objects.filter(state__in=["received", "failed"])
        for event in open.iterator(chunk_size=AT_ONCE):
            if self.moves(event.source_id):
                for change in event.changes:
                    self.rename(event.source_id, change["data"])
                event.save(update_fields=["changes"])

    def rename(self, source, data):
        for name in ("id", "customer", "from", "into"):
            if text(data.get(name)):
                data[name] = self.home(source, text(data[name]))


def text(value):
    """As ids are kept; "" of what is none."""
    from crm.customers.mentions import as_id

    return as_id(value)


# --- whom each event names


def mention(apps, moving):
    from crm.customers import mentions

    InboundEvent = apps.get_model("crm", "InboundEvent")
    Mention = apps.get_model("crm", "Mention")
    kept = InboundEvent.objects.exclude(body=mentions.GONE).order_by("id")
    rows = []
    for event in kept.iterator(chunk_size=AT_ONCE):
        body = mentions.read(event.body.encode())
        if body is None:
            size = len(event.body.encode())
            InboundEvent.objects.filter(id=event.id).update(
                body=mentions.UNREADABLE.format(size)
            )
        named = {moving.home(event.source_id, id) for id in mentions.ids_in(body)}
        for change in event.changes:
            named |= {text(change["data"].get(name)) for name in mentions.NAMED} - {""}
        rows += [Mention(event_id=event.id, value=value) for value in named]
        if len(rows) >= AT_ONCE * 10:
            Mention.objects.bulk_create(rows)
            rows = []
    Mention.objects.bulk_create(rows)
    forget_the_erased(apps, mentions.GONE)


def forget_the_erased(apps, gone):
    Customer, InboundEvent = (apps.get_model("crm", one) for one in ("Customer", "InboundEvent"))
    erased = Customer.objects.exclude(erased_at=None).values("id")
    named = InboundEvent.objects.filter(mentions__value__in=erased).exclude(state="received")
    ids = list(named.values_list("id", flat=True).distinct())
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        apps.get_model("crm", "Mention").objects.filter(event__in=some).delete()
        InboundEvent.objects.filter(id__in=some).update(body=gone, changes=[])


class Migration(migrations.Migration):
    dependencies = [("crm", "0010_namespaces_and_mentions")]
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
