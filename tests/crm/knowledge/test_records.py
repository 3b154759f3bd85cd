"""Records in: idempotent, newest wins, and one bad line never costs the others."""

import json
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase

from crm.knowledge.passages import PASSAGE_WORDS
from crm.knowledge.records import import_records, rewrite
from crm.models import Customer, Key, Passage, Record, Tombstone, Vector
from tests.fakes import ALICE, BOB, order

pytestmark = pytest.mark.services


class ImportTests(TestCase):
    def test_importing_twice_changes_nothing(self) -> None:
        import_records([order(50001, ALICE)])
        before = list(Passage.objects.values_list("id", "change"))
        report = import_records([order(50001, ALICE)])
        self.assertEqual((report.unchanged, report.updated), (1, 0))
        self.assertEqual(list(Passage.objects.values_list("id", "change")), before)
        self.assertFalse(Tombstone.objects.exists())

    def test_an_older_update_never_wins(self) -> None:
        import_records([order(50001, ALICE, status="delivered")])
        late = order(50001, ALICE, status="packed") | {"updated_at": "2026-10-01T00:00:00Z"}
        self.assertEqual(import_records([late]).stale, 1)
        self.assertEqual(Record.objects.get().fields["status"], "delivered")

    def test_of_two_rows_in_one_file_the_newer_wins_whatever_their_order(self) -> None:
        old = order(50001, ALICE, status="packed") | {"updated_at": "2026-10-01T00:00:00Z"}
        import_records([order(50001, ALICE, status="delivered"), old])
        self.assertEqual(Record.objects.get().fields["status"], "delivered")

    def test_a_deleted_record_is_found_no_more_and_a_late_update_does_not_revive_it(self) -> None:
        import_records([order(50001, ALICE)])
        gone = order(50001, ALICE) | {"deleted": True, "updated_at": "2026-11-05T00:00:00Z"}
        import_records([gone])
        import_records([order(50001, ALICE, status="packed")])
        self.assertFalse(Passage.objects.exists() or Key.objects.exists())
        self.assertTrue(Record.objects.get().deleted)
        self.assertEqual(Tombstone.objects.get().scope, ALICE)

    def test_a_record_that_moves_to_another_customer_leaves_the_first(self) -> None:
        import_records([order(50001, ALICE)])
        import_records([order(50001, BOB) | {"updated_at": "2026-11-05T00:00:00Z"}])
        self.assertEqual(set(Passage.objects.values_list("customer", flat=True)), {BOB})
        self.assertEqual(set(Key.objects.values_list("customer", flat=True)), {BOB})

    def test_the_customer_record_gives_the_customer_a_name(self) -> None:
        row = order(1, ALICE) | {"id": "customer:a", "kind": "customer", "title": "Alice Archer"}
        import_records([row])
        self.assertEqual(str(Customer.objects.get()), "Alice Archer")

    def test_bad_rows_are_named_by_number_and_the_rest_is_stored(self) -> None:
        rows = [
            order(50001, ALICE),
            {"id": "order:2"},
            "no object",
            order(50003, ALICE) | {"updated_at": "yesterday"},
            order(50004, ALICE) | {"fields": []},
            order(50005, ALICE) | {"deleted": "yes"},
            order(50006, ALICE) | {"text": "nul \x00"},
            order(50007, ALICE),
        ]
        report = import_records(rows)
        self.assertEqual(report.created, 2)
        self.assertEqual([number for number, _ in report.errors], [2, 3, 4, 5, 6, 7])
        self.assertEqual(report.errors[0][1], '"kind" is missing or empty')
        self.assertIn("ISO 8601", report.errors[2][1])

    def test_times_of_any_offset_are_kept_in_utc(self) -> None:
        odd, past = "2026-03-28T20:44:04-22:48", "0001-01-01T00:00:00+05:00"
        report = import_records(
            [
                order(number, ALICE) | {"updated_at": at}
                for number, at in ((50001, odd), (50002, past))
            ]
        )
        self.assertIn("ISO 8601", report.errors[0][1])
        self.assertEqual(Record.objects.get().updated_at.isoformat(), "2026-03-29T19:32:04+00:00")

    def test_an_unchanged_passage_keeps_its_vector_when_another_changes(self) -> None:
        long = {f"note {n}": "word " * 50 for n in range(4)}
        import_records([order(50001, ALICE, **long)])
        Vector.objects.bulk_create(
            Vector(passage=passage, encoder="e", value=b"v") for passage in Passage.objects.all()
        )
        changed = long | {"note 3": "other " * 50}
        import_records([order(50001, ALICE, **changed) | {"updated_at": "2026-11-05T00:00:00Z"}])
        kept = Vector.objects.count()
        self.assertEqual(kept, Passage.objects.count() - 1)

    def test_a_long_record_becomes_passages_that_each_begin_with_its_title(self) -> None:
        import_records([order(50001, ALICE, **{f"note {n}": "word " * 40 for n in range(9)})])
        texts = list(Passage.objects.values_list("text", flat=True))
        self.assertGreater(len(texts), 3)
        for text in texts:
            self.assertTrue(text.startswith("Order 50001\n"))
            self.assertLess(len(text.split()), PASSAGE_WORDS + 10)

    def test_what_an_upgrade_cuts_otherwise_is_cut_anew_and_the_rest_stays(self) -> None:
        import_records([order(50001, ALICE), order(50002, ALICE)])
        Passage.objects.filter(record="order:50001").update(text="as it was cut before")
        kept = Passage.objects.get(record="order:50002")
        rewrite()
        texts = Passage.objects.order_by("record").values_list("text", flat=True)
        self.assertEqual(texts[0], "Order 50001\nOrder number: 50001")
        self.assertEqual(Passage.objects.get(record="order:50002"), kept)


class ImportCommandTests(TestCase):
    def run_on(self, content: bytes, **options: object) -> str:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "records.jsonl"
            path.write_bytes(content)
            out = StringIO()
            call_command("import_records", path, no_index=True, stdout=out, **options)
            return out.getvalue()

    def test_lines_that_are_no_json_are_skipped_and_said(self) -> None:
        good = json.dumps(order(50001, ALICE)).encode()
        text = self.run_on(b"{broken\n" + good + b"\n\xff\xfe\n")
        self.assertIn("1 records created", text)
        self.assertIn("line 1: the line is not JSON", text)
        self.assertIn("line 3", text)

    def test_a_file_without_any_record_is_an_error(self) -> None:
        with self.assertRaises(CommandError):
            self.run_on(b"hello\n")

    def test_a_file_that_is_not_there_is_a_clear_error(self) -> None:
        with self.assertRaisesMessage(CommandError, "cannot be read"):
            call_command("import_records", "nowhere.jsonl")
