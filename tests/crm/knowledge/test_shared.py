"""Shared passages are held in memory, and never longer than they are true or beyond who sees
them."""

from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.knowledge import indexing, records, search, shared
from tests.fakes import ALICE, BOB, RECORDS, FakeModelsTestCase

RETURNS = "within how many days can I return goods?"


class SharedTests(FakeModelsTestCase):
    def texts(self, customer: str | None = None, inbox: str = "") -> str:
        return " ".join(hit.text for hit in search.search(RETURNS, customer, inbox=inbox))

    def store(self, **changes: object) -> None:
        article = RECORDS[-1] | {"updated_at": "2026-02-02T00:00:00Z"} | changes
        records.import_records([article])
        indexing.embed()

    def test_a_passage_is_read_once(self) -> None:
        self.texts()
        with CaptureQueriesContext(connection) as captured:
            self.assertIn("30 days", self.texts())
        self.assertFalse([one for one in captured if "crm_passage" in one["sql"]])

    def test_a_passage_that_changed_is_told_at_once(self) -> None:
        self.texts()
        self.store(text="You can return goods within 90 days.")
        self.assertIn("90 days", self.texts())
        self.assertNotIn("30 days", self.texts())

    def test_a_record_that_changed_beside_its_passages_is_read_again(self) -> None:
        self.texts()
        self.store(address="https://shop.example/returns")
        [hit] = search.search(RETURNS, None)
        self.assertEqual(hit.address, "https://shop.example/returns")

    def test_a_deleted_passage_is_found_no_more(self) -> None:
        self.assertIn("30 days", self.texts())
        self.store(deleted=True)
        self.assertNotIn("30 days", self.texts())

    def test_a_search_after_too_many_holds_others_and_takes_none_from_searches_under_way(
        self,
    ) -> None:
        self.texts()
        under_way = shared.held_since(indexing.view())
        held = {**under_way.passages}
        with mock.patch.object(shared, "MOST", 0):
            self.texts(ALICE)
            self.assertIsNot(shared.held_since(indexing.view()), under_way)
        self.assertEqual(under_way.passages, held)

    def test_only_shared_passages_are_held(self) -> None:
        for customer in (ALICE, BOB, None):
            search.search("when was order 50001 shipped, and order 50002?", customer)
        held = shared.held_since(indexing.view())
        self.assertEqual({one.customer_id for one in held.passages.values()}, {None})
        self.assertEqual({*held.records} & {"order:50001", "order:50002"}, set())
