"""Search sees this customer's records and the shared ones, and nothing else."""

from crm import knowledge
from crm.models import Record
from crm.records import import_records
from inference.index import IndexUnavailable
from tests.fakes import ALICE, BOB, FakeModelsTestCase, order


class SearchTests(FakeModelsTestCase):
    def records(self, query: str, customer: str | None) -> list[str]:
        return [hit.record for hit in knowledge.search_records(query, customer, 10)]

    def test_alice_finds_her_order_by_its_number_in_any_spelling(self) -> None:
        for query in ["order 50001", "#50001", "where is 50001?", "ORDER-50001"]:
            self.assertEqual(self.records(query, ALICE)[0], "order:50001", query)

    def test_bob_never_finds_alices_order_even_by_its_number(self) -> None:
        self.assertNotIn("order:50001", self.records("order 50001 Swift Parcel", BOB))

    def test_charlie_without_a_name_finds_shared_knowledge_only(self) -> None:
        self.assertEqual(
            self.records("order 50001 Swift Parcel refunds", None), ["article:returns"]
        )

    def test_a_number_of_another_customer_is_unknown_to_this_one(self) -> None:
        self.assertEqual(knowledge.unknown_references("where is order 50001", BOB), ["50001"])
        self.assertEqual(knowledge.unknown_references("where is order 50001", ALICE), [])

    def test_a_deleted_record_is_not_found_although_the_snapshot_still_has_it(self) -> None:
        Record.objects.filter(id="order:50001").update(deleted=True)
        self.assertNotIn("order:50001", self.records("order 50001 carrier", ALICE))

    def test_a_changed_record_makes_the_snapshot_stale_and_refresh_finds_it(self) -> None:
        import_records([order(50009, ALICE, carrier="Kite Couriers")])
        self.assertTrue(knowledge.stale())
        knowledge.refresh()
        self.assertFalse(knowledge.stale())
        self.assertIn("order:50009", self.records("kite couriers", ALICE))

    def test_refresh_of_a_current_index_writes_nothing(self) -> None:
        self.assertIsNone(knowledge.refresh())

    def test_the_index_of_another_encoder_is_refused_with_what_to_type(self) -> None:
        knowledge.reader().encoder = "another"
        knowledge.reader()._snapshot = None
        with self.assertRaisesMessage(IndexUnavailable, "manage.py index build"):
            knowledge.search("order", ALICE)
