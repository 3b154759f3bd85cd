"""An index belongs to one database, and to one state of it: a restored backup has it made again.

database                      index                          what happens
as it was                     as it was                      it is used
older than the index          newer                          made again
the same, after new changes   newer, with the same count     made again
another one                   whatever it counts             made again
newer than the index          older, of the same database    used; changes since are read
from before there were marks  from before                    used
restored under a process      newer, and read                read again from the disk
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from crm.knowledge import indexing, search
from crm.knowledge.records import import_records
from crm.models import IndexState, Passage
from inference.index import Query
from tests.fakes import ALICE, FakeModelsTestCase, order

pytestmark = pytest.mark.services

LATE = [order(number, ALICE, carrier="Kite Couriers") for number in range(60_001, 60_006)]
NEW = order(70_001, ALICE, carrier="Pigeon Post")


class IdentityTests(FakeModelsTestCase):
    def records(self, query: str) -> list[str]:
        return [hit.record for hit in search.search_records(query, ALICE, 10)]

    def found_by_meaning(self, query: str) -> list[str]:
        """Without what the database finds by keys."""
        asked = indexing.encoder().encode([query])[0]
        found = indexing.view().search(Query(query, asked), [ALICE], 9)
        passages = {
            one.id: one.record_id
            for one in Passage.objects.filter(id__in=[match.id for match in found])
        }
        return [passages[match.id] for match in found if match.id in passages]

    def restored(self, *done_since: Callable[[], Any]) -> None:
        """The database as it was before what was done; the index stays on the disk."""
        backup = transaction.savepoint()
        for one in done_since:
            one()
        transaction.savepoint_rollback(backup)

    def restarted(self) -> None:
        indexing.reader.cache_clear()

    def grown(self) -> None:
        import_records(LATE)
        indexing.embed()
        indexing.build()

    def assertMadeAgain(self) -> None:
        with self.assertLogs("attune.index", "WARNING") as logs:
            self.assertIn("order:70001", self.found_by_meaning("pigeon post"))
        self.assertIn("The index does not fit the database", logs.output[0])
        self.restarted()
        with self.assertNoLogs("attune.index", "WARNING"):
            self.assertIn("order:70001", self.found_by_meaning("pigeon post"))

    def test_an_index_of_this_database_is_used(self) -> None:
        import_records([NEW])
        self.restarted()
        with self.assertNoLogs("attune.index", "WARNING"):
            self.assertIn("order:70001", self.found_by_meaning("pigeon post"))

    def test_an_older_database_beside_a_newer_index_finds_new_records_at_once(self) -> None:
        self.restored(self.grown)
        self.restarted()
        import_records([NEW])
        self.assertMadeAgain()

    def test_it_is_noticed_after_the_counter_has_caught_up(self) -> None:
        self.restored(self.grown)
        self.restarted()
        for _ in range(20):
            indexing.next_change()
        import_records([NEW])
        self.assertMadeAgain()

    def test_another_databases_index_is_made_again_whatever_it_counts(self) -> None:
        IndexState.objects.update(marks={"fake": ["of another one"]})
        self.restarted()
        import_records([NEW])
        self.assertMadeAgain()

    def test_a_database_that_never_made_an_index_takes_none_that_bears_a_mark(self) -> None:
        IndexState.objects.update(marks={})
        self.restarted()
        import_records([NEW])
        self.assertMadeAgain()

    def test_an_index_from_before_there_were_marks_is_used(self) -> None:
        IndexState.objects.update(marks={})
        indexing.write(indexing.changes_now(), "")
        self.restarted()
        import_records([NEW])
        with self.assertNoLogs("attune.index", "WARNING"):
            self.assertIn("order:70001", self.found_by_meaning("pigeon post"))

    def test_a_database_restored_under_a_running_process_is_read_again(self) -> None:
        def searched() -> None:
            import_records(LATE)
            for _ in range(5):
                indexing.next_change()
            self.records("kite couriers")

        self.restored(searched)
        import_records([NEW])
        self.assertIn("order:70001", self.found_by_meaning("pigeon post"))

    def test_the_status_says_so(self) -> None:
        self.restored(self.grown)
        self.restarted()
        self.assertIn("does not fit the database", indexing.status()["problem"])

    def test_a_refresh_makes_it_again(self) -> None:
        self.restored(self.grown)
        self.restarted()
        with self.assertLogs("attune.index", "WARNING"):
            self.assertIsNotNone(indexing.refresh())
        self.assertNotIn("problem", indexing.status())
