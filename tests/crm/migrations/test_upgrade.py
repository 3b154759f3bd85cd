"""An upgrade brings another encoder: its index is made beside the one that serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest

from crm.knowledge import indexing, search
from crm.knowledge.records import import_records
from crm.models import Passage, Vector
from tests.fakes import ALICE, FakeEncoder, FakeModelsTestCase, order

pytestmark = pytest.mark.services


class NewerEncoder(FakeEncoder):
    name = "newer"
    dimension = 128


@contextmanager
def upgraded() -> Iterator[None]:
    """As a process of the new release, with its own memory, sees the same database and folder."""
    forget()
    with mock.patch("crm.knowledge.indexing.encoder", return_value=NewerEncoder()):
        yield
    forget()


def forget() -> None:
    indexing.reader.cache_clear()


class UpgradeTests(FakeModelsTestCase):
    def found(self, query: str) -> list[str]:
        return [hit.record for hit in search.search_records(query, ALICE, 10)]

    def setUp(self) -> None:
        super().setUp()
        with upgraded():
            self.made = indexing.refresh()

    def test_the_new_index_holds_every_passage(self) -> None:
        assert self.made
        self.assertEqual((self.made.encoder, self.made.rows), ("newer", Passage.objects.count()))
        with upgraded():
            self.assertEqual(indexing.status()["since"], 0)
            self.assertIn("order:50001", self.found("swift parcel"))

    def test_who_still_runs_the_release_before_goes_on_as_if_nothing_were(self) -> None:
        self.assertIn("order:50001", self.found("swift parcel"))
        self.assertEqual(len(indexing.reader().view().delta), 0)
        self.assertEqual(indexing.status()["without_vector"], 0)

    def test_a_record_that_comes_meanwhile_is_found_by_both(self) -> None:
        import_records([order(50009, ALICE, carrier="Kite Couriers")])
        for refreshed in (self.found, lambda query: indexing.refresh() or self.found(query)):
            self.assertIn("order:50009", refreshed("kite couriers"))
        with upgraded():
            indexing.refresh()
            self.assertIn("order:50009", self.found("kite couriers"))

    def test_prune_removes_what_the_release_before_has_left(self) -> None:
        with upgraded():
            self.assertEqual(indexing.prune(), ["fake"])
            self.assertIn("order:50001", self.found("swift parcel"))
        self.assertEqual(set(Vector.objects.values_list("encoder", flat=True)), {"newer"})
