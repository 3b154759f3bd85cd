"""With INDEX_URL the index is on a Milvus server: what is found and by whom stays the same.

The server is Milvus Lite, in this process.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.db import transaction
from django.test import override_settings

from crm.knowledge import indexing, search
from crm.knowledge.records import import_records
from crm.models import IndexState, Record, Tombstone
from inference.index import SHARED, IndexUnavailable, Query
from tests.fakes import ALICE, BOB, FakeEncoder, FakeModelsTestCase, order

reason = "needs milvus-lite: pip install -r requirements-dev.txt"
lite = pytest.importorskip("milvus_lite.server_manager", reason=reason)


class ServerTests(FakeModelsTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = cls.enterClassContext(TemporaryDirectory())
        url = str(Path(folder) / "index.db")
        cls.addClassCleanup(lite.server_manager_instance.release_server, url)
        cls.enterClassContext(override_settings(INDEX_URL=url))

    def setUp(self) -> None:
        self.addCleanup(indexing.server.cache_clear)
        super().setUp()
        folder = Path(self.enterContext(TemporaryDirectory()))
        self.enterContext(override_settings(INDEX_DIR=folder))
        indexing.build()

    def records(self, query: str, customer: str | None) -> list[str]:
        return [hit.record for hit in search.search_records(query, customer, 10)]

    def texts(self, query: str, *scopes: str) -> set[int]:
        """Passages that the server itself finds."""
        asked = Query(query, FakeEncoder().encode([query])[0])
        return {match.id for match in indexing.server().search(asked, list(scopes), 9)}

    def test_alice_finds_her_order_and_bob_does_not(self) -> None:
        self.assertIn("order:50001", self.records("swift parcel", ALICE))
        self.assertNotIn("order:50001", self.records("order 50001 swift parcel", BOB))

    def test_charlie_without_a_name_finds_shared_knowledge_only(self) -> None:
        self.assertEqual(self.records("swift parcel refunds", None), ["article:returns"])

    def test_no_snapshot_is_written(self) -> None:
        self.assertFalse(list(indexing.settings.INDEX_DIR.glob("*")))

    def test_a_change_is_applied_by_who_searches_next(self) -> None:
        import_records([order(50009, ALICE, carrier="Kite Couriers")])
        self.assertIsNone(indexing.refresh())
        self.assertIn("order:50009", self.records("kite couriers", ALICE))
        self.assertNotIn("order:50009", self.records("kite couriers", BOB))
        self.assertEqual(indexing.server().upto, indexing.changes_now())

    def test_a_record_that_another_customer_gets_is_no_longer_found_by_the_first(self) -> None:
        given = order(50001, BOB, carrier="Swift Parcel")
        import_records([given | {"updated_at": "2026-11-02T00:00:00Z"}])
        indexing.refresh()
        self.assertEqual(self.texts("swift parcel", ALICE), set())
        self.assertIn("order:50001", self.records("swift parcel", BOB))

    def test_what_was_deleted_leaves_the_server_and_its_tombstone_goes(self) -> None:
        before = self.texts("swift parcel", SHARED, ALICE)
        gone = order(50001, ALICE) | {"deleted": True, "updated_at": "2026-11-02T00:00:00Z"}
        import_records([gone])
        indexing.view()
        self.assertLess(self.texts("swift parcel", SHARED, ALICE), before)
        self.assertFalse(Tombstone.objects.exists())

    def test_a_server_that_is_being_filled_is_not_searched_and_takes_no_changes(self) -> None:
        indexing.server().clear()
        import_records([order(50009, ALICE, carrier="Kite Couriers")])
        with self.assertRaisesMessage(IndexUnavailable, "manage.py index build"):
            indexing.view()
        self.assertEqual(len(indexing.server()), 0)

    def test_refresh_fills_a_server_that_has_nothing(self) -> None:
        indexing.server().clear()
        indexing.refresh()
        self.assertEqual(indexing.status()["indexed"], 3)
        self.assertIn("order:50001", self.records("swift parcel", ALICE))

    def test_a_server_that_holds_more_than_a_restored_database_is_filled_again(self) -> None:
        backup = transaction.savepoint()
        import_records([order(50009, ALICE, carrier="Kite Couriers")])
        indexing.embed()
        self.records("kite couriers", ALICE)
        transaction.savepoint_rollback(backup)
        # As many changes as the server counts, but others.
        while indexing.changes_now() < indexing.server().upto:
            indexing.next_change()
        import_records([order(50010, ALICE, carrier="Pigeon Post")])
        indexing.embed()
        with self.assertLogs("attune.index", "WARNING") as logs:
            self.assertIn("order:50010", self.records("pigeon post", ALICE))
        self.assertIn("does not fit the database", logs.output[0])
        with self.assertNoLogs("attune.index", "WARNING"):
            self.assertIn("order:50010", self.records("pigeon post", ALICE))

    def test_a_server_that_a_database_from_before_marks_does_not_know_is_filled_again(self) -> None:
        IndexState.objects.update(marks={})
        with self.assertLogs("attune.index", "WARNING") as logs:
            self.assertIn("order:50001", self.records("swift parcel", ALICE))
        self.assertIn("does not fit the database", logs.output[0])

    def test_a_build_leaves_nothing_of_what_was_there(self) -> None:
        Record.objects.get(id="order:50001").passages.all().delete()
        indexing.build()
        self.assertEqual(len(indexing.server()), 2)
