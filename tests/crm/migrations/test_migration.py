"""An installation of the release before is migrated: its ids, its merges, its events."""

import json
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import TestCase, TransactionTestCase

pytestmark = pytest.mark.services

BEFORE = [("crm", "0007_tries_and_notices"), ("chatbot", "0017_saved_views")]
AT = datetime(2026, 11, 1, tzinfo=UTC)
SHORT, LONG = "0035g00000ABCdE", "0035g00000ABCdEAAX"


def rows(app: str, model: str) -> Any:
    return apps.get_model(app, model).objects


@pytest.mark.slow
class RealMigrationTests(TransactionTestCase):
    def setUp(self) -> None:
        self.latest = MigrationExecutor(connection).loader.graph.leaf_nodes()

    def tearDown(self) -> None:
        self.migrate(self.latest)

    def migrate(self, to: Any) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate(to)
        return executor.loader.project_state(to).apps

    def test_a_database_of_the_release_before(self) -> None:
        old = self.migrate(BEFORE)
        customers = old.get_model("crm", "Customer").objects
        for id in ("501", "dora"):
            customers.create(id=id)
        customers.filter(id="dora").update(merged_into="dora")
        for name, dialect in (("desk", "zendesk"), ("spot", "hubspot")):
            old.get_model("crm", "Source").objects.create(name=name, dialect=dialect)
        data = {"id": "ticket:77", "customer": "501"}
        old.get_model("crm", "InboundEvent").objects.create(
            source=old.get_model("crm", "Source").objects.get(name="desk"),
            event_id="1",
            state="applied",
            body=json.dumps(data),
            changes=[{"type": "record.upserted", "data": data}],
        )
        old.get_model("crm", "Record").objects.create(
            id="ticket:77", customer_id="501", updated_at=AT
        )
        inbox = old.get_model("chatbot", "Inbox").objects.create(key="shop", name="Shop")
        old.get_model("chatbot", "Visitor").objects.create(inbox=inbox, customer_id="501")
        self.migrate(self.latest)
        people = set(rows("crm", "Customer").values_list("id", "merged_into"))
        self.assertEqual(people, {("desk/501", None), ("dora", None)})
        self.assertEqual(rows("crm", "Record").get().customer_id, "desk/501")
        self.assertEqual(rows("chatbot", "Visitor").get().customer_id, "desk/501")
        named = set(rows("crm", "Mention").values_list("value", flat=True))
        self.assertLessEqual({"desk/ticket:77", "desk/501"}, named)


class WhoIsWhoTests(TestCase):
    """What the migrations do to rows, on tables as they are afterwards."""

    def setUp(self) -> None:
        self.shop = rows("chatbot", "Inbox").create(key="shop", name="Shop")

    def old(self, app: str, model: str) -> Any:
        return rows(app, model)

    def upgraded(self) -> Any:
        import_module("crm.migrations.0011_who_is_who").forwards(apps, None)
        import_module("chatbot.migrations.0021_visitors_follow").forwards(apps, None)
        return rows

    def source(self, name: str, dialect: str) -> Any:
        return self.old("crm", "Source").create(name=name, dialect=dialect)

    def customer(self, id: str, **values: Any) -> None:
        self.old("crm", "Customer").update_or_create(id=id, defaults=values)

    def told(
        self, source: Any, data: dict[str, Any], type: str = "record.upserted", **more: Any
    ) -> None:
        """An event that was applied."""
        count = self.old("crm", "InboundEvent").count()
        values = {
            "state": "applied",
            "body": json.dumps(data),
            "changes": [{"type": type, "data": data}],
        }
        self.old("crm", "InboundEvent").create(
            source=source, event_id=str(count), type=type, **values | more
        )

    def has(self, id: str, customer: str | None, kind: str = "ticket", title: str = "T") -> None:
        """A record with a passage that was embedded, and a key."""
        if customer:
            self.old("crm", "Customer").get_or_create(id=customer)
        record = self.old("crm", "Record").create(
            id=id, kind=kind, customer_id=customer, title=title, updated_at=AT
        )
        passage = self.old("crm", "Passage").create(
            record=record, customer_id=customer, position=0, text=f"{title} of {customer}"
        )
        self.old("crm", "Vector").create(passage=passage, encoder="e", value=b"v")
        self.old("crm", "Key").create(record=record, customer_id=customer, value=id)

    def brought(self, source: Any, id: str, customer: str | None, **values: Any) -> None:
        self.told(source, {"id": id, "customer": customer, **values})
        self.old("crm", "Record").filter(id=id).delete()
        self.has(id, customer, **values)

    def visits(self, customer: str) -> None:
        visitor = self.old("chatbot", "Visitor").create(inbox=self.shop, customer_id=customer)
        self.old("chatbot", "Conversation").create(visitor=visitor)

    def test_with_one_foreign_source_every_id_stays(self) -> None:
        desk, erp = self.source("desk", "zendesk"), self.source("erp", "attune")
        self.brought(desk, "ticket:77", "501")
        self.brought(erp, "order:1", "cust_1")
        new = self.upgraded()
        self.assertEqual(set(new("crm", "Source").values_list("namespace", flat=True)), {""})
        owners = dict(new("crm", "Record").values_list("id", "customer"))
        self.assertEqual(owners, {"ticket:77": "501", "order:1": "cust_1"})
        self.assertFalse(new("crm", "Tombstone").exists(), "the index is as it was")

    def test_with_several_each_ones_records_and_people_move_into_its_namespace(self) -> None:
        desk, ring = self.source("desk", "zendesk"), self.source("ring", "chatwoot")
        erp = self.source("erp", "attune")
        self.brought(desk, "ticket:77", "501")
        self.brought(ring, "chatwoot:contact:501", "501", kind="customer", title="Peter Z")
        self.brought(desk, "ticket:9", "77")
        self.brought(erp, "order:1", "cust_1")
        self.has("product:1", None)
        self.has("order:5", "imported")
        self.visits("501")
        self.visits("77")
        new = self.upgraded()
        owners = dict(new("crm", "Record").values_list("id", "customer"))
        self.assertEqual(
            owners,
            {
                "desk/ticket:77": "desk/501",
                "ring/chatwoot:contact:501": "ring/501",
                "desk/ticket:9": "desk/77",
                "order:1": "cust_1",
                "product:1": None,
                "order:5": "imported",
            },
        )
        for model in ("Passage", "Key"):
            rows = new("crm", model).values_list("record_id", "customer_id")
            self.assertEqual(dict(rows), owners, model)
        self.assertEqual(new("crm", "Vector").count(), 6, "nothing is embedded again")
        scopes = new("crm", "Tombstone").values_list("scope", flat=True)
        self.assertEqual(sorted(scopes), ["501", "501", "77"])
        visitors = set(new("chatbot", "Visitor").values_list("customer", flat=True))
        self.assertEqual(visitors, {"ring/501", "desk/77"}, "the last that spoke of them decides")
        people = dict(new("crm", "Customer").values_list("id", "name"))
        self.assertEqual(
            people,
            {"desk/501": "", "ring/501": "Peter Z", "desk/77": "", "cust_1": "", "imported": ""},
            "the bare ids are free for the company's own",
        )

    def test_a_record_of_two_sources_is_the_last_ones(self) -> None:
        desk, fon = self.source("desk", "zendesk"), self.source("fon", "zammad")
        self.told(desk, {"id": "ticket:41001", "customer": "501"})
        self.customer("501")
        self.brought(fon, "ticket:41001", "7301")
        new = self.upgraded()
        owners = dict(new("crm", "Record").values_list("id", "customer"))
        self.assertEqual(owners, {"fon/ticket:41001": "fon/7301"})

    def test_a_merge_is_followed_where_its_own_system_told_of_it(self) -> None:
        desk, spot = self.source("desk", "zendesk"), self.source("spot", "hubspot")
        self.told(desk, {"id": "ticket:1", "customer": "501"})
        self.told(desk, {"from": "501", "into": "502"}, "customer.merged")
        self.told(spot, {"id": "hubspot:contact:501:x", "customer": "501"})
        self.customer("502")
        self.customer("501", merged_into_id="502")
        self.has("ticket:1", "502")
        self.has("hubspot:contact:501:x", "502")
        new = self.upgraded()
        owners = dict(new("crm", "Record").values_list("id", "customer"))
        expected = {"desk/ticket:1": "desk/502", "spot/hubspot:contact:501:x": "spot/501"}
        self.assertEqual(owners, expected)
        merged = dict(
            new("crm", "Customer").exclude(merged_into=None).values_list("id", "merged_into")
        )
        self.assertEqual(merged, {"desk/501": "desk/502"})

    def test_who_was_linked_to_one_of_ones_own_stays_linked(self) -> None:
        desk, erp = self.source("desk", "zendesk"), self.source("erp", "attune")
        self.source("spot", "hubspot")
        self.told(desk, {"id": "ticket:1", "customer": "501"})
        self.told(erp, {"from": "501", "into": "cust_1"}, "customer.merged")
        self.customer("cust_1")
        self.customer("501", merged_into_id="cust_1")
        self.has("ticket:1", "cust_1")
        new = self.upgraded()
        self.assertEqual(new("crm", "Record").get().customer_id, "cust_1")
        self.assertEqual(new("crm", "Customer").get(id="desk/501").merged_into_id, "cust_1")

    def test_who_was_erased_stays_so_in_every_namespace(self) -> None:
        desk, spot = self.source("desk", "zendesk"), self.source("spot", "hubspot")
        for source in (desk, spot):
            self.told(source, {"id": "x", "customer": "501", "title": "Alice Ash"})
        self.customer("501", erased_at=AT)
        new = self.upgraded()
        erased = new("crm", "Customer").exclude(erased_at=None).values_list("id", flat=True)
        self.assertEqual(set(erased), {"desk/501", "spot/501"})
        self.assertNotIn("Alice", str(list(new("crm", "InboundEvent").values())))

    def test_what_waits_names_its_ids_in_the_namespace(self) -> None:
        desk = self.source("desk", "zendesk")
        self.source("spot", "hubspot")
        self.told(desk, {"id": "ticket:1", "customer": 501}, state="received")
        new = self.upgraded()
        data = new("crm", "InboundEvent").get().changes[0]["data"]
        self.assertEqual(data, {"id": "desk/ticket:1", "customer": "desk/501"})

    def test_merges_in_any_order_arrive_at_their_root(self) -> None:
        for id in ("alice", "bob", "charlie"):
            self.customer(id)
        for id, into in (("alice", "bob"), ("charlie", "alice")):
            self.customer(id, merged_into_id=into)
        self.has("order:1", "alice", title="stranded")
        self.visits("charlie")
        new = self.upgraded()
        merged = dict(new("crm", "Customer").values_list("id", "merged_into"))
        self.assertEqual(merged, {"alice": "bob", "bob": None, "charlie": "bob"})
        self.assertEqual(new("crm", "Record").get().customer_id, "bob")
        self.assertEqual(new("crm", "Passage").get().customer_id, "bob")
        self.assertEqual(new("chatbot", "Visitor").get().customer_id, "bob")

    def test_of_an_erased_person_the_old_ids_are_erased_too(self) -> None:
        self.customer("bob", erased_at=AT)
        self.customer("alice", merged_into_id="bob", name="Alice Ash")
        self.has("order:1", "alice")
        new = self.upgraded()
        alice = new("crm", "Customer").get(id="alice")
        self.assertEqual((alice.name, alice.erased_at), ("", AT))
        self.assertFalse(new("crm", "Record").exists())
        self.assertEqual(new("crm", "Tombstone").get().scope, "alice")

    def test_both_spellings_of_a_salesforce_contact_become_one(self) -> None:
        force = self.source("force", "salesforce")
        self.brought(force, f"contact:{LONG}", LONG)
        self.brought(force, "case:5005g00000XYZaB", SHORT)
        self.visits(SHORT)
        new = self.upgraded()
        self.assertEqual(set(new("crm", "Record").values_list("customer", flat=True)), {LONG})
        self.assertTrue(new("crm", "Record").filter(id="case:5005g00000XYZaBAAX").exists())
        self.assertEqual(new("chatbot", "Visitor").get().customer_id, LONG)

    def test_each_event_learns_whom_it_names_and_what_nobody_can_read_goes(self) -> None:
        erp = self.source("erp", "attune")
        self.told(erp, {"id": "order:1", "customer": "m\u00fcller"})
        self.told(erp, {}, state="refused", body='{"data": {"customer": 501', changes=[])
        new = self.upgraded()
        named = set(new("crm", "Mention").values_list("value", flat=True))
        self.assertEqual(named, {"order:1", "m\u00fcller"})
        self.assertIn("not kept", new("crm", "InboundEvent").get(state="refused").body)
