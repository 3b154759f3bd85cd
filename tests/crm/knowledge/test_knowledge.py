"""Search sees this customer's records and the shared ones, and nothing else."""

from unittest import mock

import pytest

from crm.knowledge import indexing, search
from crm.knowledge.records import import_records
from crm.models import Record
from inference.index import IndexUnavailable
from tests.fakes import ALICE, BOB, FakeModelsTestCase, order

pytestmark = pytest.mark.services


class SearchTests(FakeModelsTestCase):
    def records(self, query: str, customer: str | None) -> list[str]:
        return [hit.record for hit in search.search_records(query, customer, 10)]

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
        self.assertEqual(search.unknown_references("where is order 50001", BOB), ["50001"])
        self.assertEqual(search.unknown_references("where is order 50001", ALICE), [])

    def test_an_amount_of_hers_is_no_unknown_number(self) -> None:
        fields = {"requested": "ZAR 12,000.00", "tax": 13500.0, "by": "2026-12-05", "pages": "3"}
        for customer, number in ((ALICE, "1"), (BOB, "2")):
            row = order(f"withdrawal:{number}", customer) | {"fields": fields}
            import_records([row])
            fields = {"requested": 14000}
        for asked, unknown in {
            "what about taking out the 12000": [],
            "and the 13500": [],
            "taking out the 14000": ["14000"],
            "where is order 12000": ["12000"],
            "where is order 3": ["3"],
            "where is order 2026": ["2026"],
        }.items():
            self.assertEqual(search.names_in(asked, ALICE).unknown, unknown, asked)
            self.assertEqual(search.unknown_references(asked, ALICE), unknown, asked)
        self.assertEqual(search.names_in("taking out the 12000", None).unknown, ["12000"])

    def test_a_number_with_a_typing_error_finds_the_record_and_says_so(self) -> None:
        for typed in ["50010", "500011", "51001", "50002"]:
            found = search.search("where is order " + typed, ALICE)
            self.assertEqual((found[0].record, found[0].misspelt), ("order:50001", typed), typed)

    def test_a_number_that_is_right_is_not_taken_for_a_typing_error(self) -> None:
        import_records([order(50011, ALICE)])
        found = {hit.record: hit for hit in search.search("where is order 50011", ALICE)}
        self.assertEqual(max(found.values(), key=lambda hit: hit.score).record, "order:50011")
        self.assertEqual({hit.misspelt for hit in found.values()}, {""})

    def test_a_typing_error_never_leads_to_another_customers_record(self) -> None:
        self.assertEqual(search.near_misses("where is order 50012", ALICE), {})
        self.assertEqual(search.near_misses("where is order 500O2", ALICE), {})

    def test_a_deleted_record_is_not_found_although_the_snapshot_still_has_it(self) -> None:
        Record.objects.filter(id="order:50001").update(deleted=True)
        self.assertNotIn("order:50001", self.records("order 50001 carrier", ALICE))

    def test_a_change_is_found_at_once_and_no_snapshot_is_written_for_it(self) -> None:
        import_records([order(50009, ALICE, carrier="Kite Couriers")])
        self.assertIn("order:50009", self.records("kite couriers", ALICE))
        self.assertIsNone(indexing.refresh())
        self.assertIn("order:50009", self.records("kite couriers", ALICE))
        self.assertNotIn("order:50009", self.records("kite couriers", BOB))

    def test_a_change_of_a_stored_passage_replaces_it(self) -> None:
        changed = order(50001, ALICE, carrier="Kite Couriers")
        import_records([changed | {"updated_at": "2026-11-02T00:00:00Z"}])
        texts = [hit.text for hit in search.search("carrier of order 50001", ALICE)]
        self.assertIn("Kite Couriers", texts[0])
        self.assertNotIn("Swift Parcel", "".join(texts))

    def test_a_record_that_another_customer_gets_is_no_longer_found_by_the_first(self) -> None:
        given = order(50001, BOB, carrier="Swift Parcel")
        import_records([given | {"updated_at": "2026-11-02T00:00:00Z"}])
        self.assertNotIn("order:50001", self.records("order 50001 swift parcel", ALICE))
        self.assertIn("order:50001", self.records("order 50001 swift parcel", BOB))

    def test_many_changes_are_written_into_a_new_snapshot(self) -> None:
        with mock.patch.multiple(indexing, FEW_CHANGES=2, FEW_OF_ALL=0):
            import_records([order(60000 + n, BOB) for n in range(3)])
            written = indexing.refresh()
        assert written
        self.assertEqual((written.rows, written.generation), (6, 2))
        self.assertEqual(indexing.status()["since"], 0)
        self.assertIn("order:60001", self.records("order 60001", BOB))

    def test_a_broken_snapshot_is_made_again_from_the_database(self) -> None:
        (indexing.reader().view().snapshot.folder / "ids.npy").write_bytes(b"broken")
        indexing.reader.cache_clear()
        with self.assertLogs("attune.index", "WARNING") as logs:
            self.assertIn("order:50001", self.records("order 50001", ALICE))
        self.assertIn("Rebuilding it from the database", logs.output[0])

    def test_the_index_of_another_encoder_is_refused_with_what_to_type(self) -> None:
        indexing.reader().encoder = "another"
        with self.assertRaisesMessage(IndexUnavailable, "manage.py index build"):
            search.search("order", ALICE)
