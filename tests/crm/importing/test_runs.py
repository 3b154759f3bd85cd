"""The course of an import, with real files and the real child process."""

import json
import os
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.utils import timezone

from crm.admin.imports import guessed
from crm.customers import lifecycle
from crm.importing import files, plans, reading, runs
from crm.knowledge import records
from crm.models import Article, Import, ImportPlan, Record, RecordKind
from crm.plumbing import background
from tests.crm.importing.files import zipped
from tests.crm.importing.samples import HEAD, as_csv, given, orders, worked

# Slow: each test starts real child processes.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
State = Import.State


def chosen(run: Import, **changes: Any) -> Import:
    """Start the import with the guesses, as somebody who finds nothing to correct."""
    assert run.state == State.ASKING, run.reason
    plan = run.plan or guessed(run)
    plan.heads = run.preview.get("columns", [])
    for name, value in changes.items():
        setattr(plan, name, value)
    plans.save(plan)
    assert runs.begin(run, plan)
    return worked(run)


def test_orders_come_in_and_the_next_file_needs_no_choices() -> None:
    run = chosen(given("orders_2026.csv", as_csv(orders())))
    assert (run.state, run.counts, run.errors) == (State.DONE, {"created": 30}, [])
    assert "rows" not in run.preview, "customers' records stay in no second place"
    record = Record.objects.get(id="orders_2026/B-1001")
    assert (record.title, record.customer_id) == ("Order B-1001", "bob")
    assert record.fields["Ordered"] == "2026-03-11"
    assert "Internal note" not in record.fields
    kind = RecordKind.objects.get(name="order")
    assert (kind.status, kind.expected_date, kind.confirmed) == ("Status", "Delivery due", True)

    later = orders(32)
    later[0][3] = "delivered"
    run = given("orders_of_today.csv", as_csv(later))
    assert (run.state, run.plan) == (State.DONE, ImportPlan.objects.get())
    assert run.counts == {"created": 2, "updated": 1, "unchanged": 29}


def test_bad_rows_are_named_and_the_good_ones_are_in() -> None:
    rows = orders(6)
    rows[1][1] = ""
    rows[2][0] = rows[0][0]
    rows[3] = rows[3][:2]
    run = given("orders.csv", as_csv(rows))
    run = chosen(run, columns=run.preview["guessed"] | {"id": "Order No"})
    assert run.counts == {"created": 3, "errors": 3}
    assert [where for where, _ in run.errors] == ["row 3", "row 4", "row 5"]
    assert "whose record is it" in run.errors[0][1]
    assert "an earlier row has the same id" in run.errors[1][1]


def test_a_new_column_is_told_to_nobody_before_somebody_has_looked() -> None:
    chosen(given("orders.csv", as_csv(orders(4))))
    rows = [[*row, "drinks"] for row in orders(4)]
    run = given("orders.csv", as_csv(rows, [*HEAD, "About him"]))
    assert run.state == State.ASKING
    plan = ImportPlan.objects.get()
    run = given("orders.csv", as_csv(rows, [*HEAD, "About him"]), plan)
    assert run.state == State.ASKING
    assert "It has new columns: About him." in run.preview["asks"][0]


def test_dates_that_may_be_read_in_two_ways_are_asked_about_once() -> None:
    rows = orders(3)
    run = given("orders.csv", as_csv(rows))
    assert run.preview["ambiguous"]
    plan = chosen(run, day_first=False).plan
    assert Record.objects.get(id="orders/B-1001").fields["Ordered"] == "2026-11-03"
    assert given("orders.csv", as_csv(rows)).counts == {"unchanged": 3}
    ImportPlan.objects.update(day_first=None)
    run = given("orders.csv", as_csv(rows), plan)
    assert "Choose which" in run.preview["asks"][0]


def test_what_is_missing_goes_only_when_asked_and_never_most_of_it_by_mistake() -> None:
    run = chosen(given("orders.csv", as_csv(orders(10))))
    assert given("orders.csv", as_csv(orders(8))).counts == {"unchanged": 8}
    plan = run.plan
    assert plan
    ImportPlan.objects.update(remove_missing=True)
    Record.objects.create(id="crm/1", kind="order", title="A CRM's", updated_at=timezone.now())

    # Nobody is there to be asked: a few go, and most of them do not.
    run = given("orders.csv", as_csv(orders(8)))
    assert run.counts == {"unchanged": 8, "removed": 2}
    assert Record.objects.filter(deleted=True).count() == 2
    run = given("orders.csv", as_csv(orders(3)))
    assert run.state == State.ASKING
    assert "imported 8 before. 5 of them are missing from this file" in str(run.preview)
    # A person has seen the number.
    run = chosen(run)
    assert run.counts == {"unchanged": 3, "removed": 5}
    # They come back with a later file, and nothing of the CRM was touched.
    assert given("orders.csv", as_csv(orders(10))).counts == {"unchanged": 3, "updated": 7}
    assert Record.objects.filter(deleted=False).count() == 11


def test_a_file_with_errors_removes_nothing() -> None:
    chosen(given("orders.csv", as_csv(orders(10))), remove_missing=True)
    rows = orders(9)
    rows[0][1] = ""
    run = given("orders.csv", as_csv(rows))
    assert "removed" not in run.counts
    assert "Nothing was removed: some rows" in run.errors[-1][1]
    assert Record.objects.filter(deleted=False).count() == 10


def test_documents_become_articles_and_edits_made_here_are_kept() -> None:
    guide = zipped(
        {"returns.md": "# Returns\n\nWithin 30 days.", "ports/hull.md": "# Hull\n\nQuay 4."}
    )
    run = given("guide.zip", guide)
    assert run.preview["documents"] == ["Returns", "Hull"]
    run = chosen(run, publish=True)
    assert run.counts == {"created": 2}
    assert {article.title for article in Article.objects.filter(state="published")} == {
        "Returns",
        "Hull",
    }
    assert chosen(given("guide.zip", guide)).counts == {"unchanged": 2}
    article = Article.objects.get(title="Hull")
    article.versions.update(imported=False)  # As if somebody had changed it here.
    changed = zipped(
        {"returns.md": "# Returns\n\nWithin 60 days.", "ports/hull.md": "# Hull\n\nNo."}
    )
    run = chosen(given("guide.zip", changed))
    assert run.counts == {"updated": 1, "edited here": 1}
    assert "so it stays" in run.errors[0][1]


def test_the_sheets_of_a_workbook_are_imports_of_their_own(tmp_path: Any) -> None:
    book = openpyxl.Workbook()
    for sheet, name in ((book.active, "Orders"), (book.create_sheet("Repairs"), "Repairs")):
        sheet.title = name
        sheet.append(["Number", "Customer", "State"])
        sheet.append([7, "alice", name])
    book.save(tmp_path / "shop.xlsx")
    first = given("shop.xlsx", (tmp_path / "shop.xlsx").read_bytes())
    other = worked(Import.objects.exclude(pk=first.pk).get())
    assert [run.preview["kind"] for run in (first, other)] == ["order", "repair"]
    assert chosen(first).counts == {"created": 1}
    assert files.storage().exists(other.file), "the other sheet still needs it"
    assert chosen(other).counts == {"created": 1}
    assert not files.storage().exists(other.file)
    assert set(Record.objects.values_list("kind", "customer")) == {
        ("order", "alice"),
        ("repair", "alice"),
    }


def test_records_in_attunes_own_form_need_no_mapping() -> None:
    row = {"id": "7", "kind": "order", "customer": "alice", "title": "Order 7", "fields": {"a": 1}}
    line = json.dumps(row | {"updated_at": "2026-01-01T00:00:00Z"}).encode()
    run = given("crm.jsonl", line)
    assert run.preview["own_form"]
    assert chosen(run).counts == {"created": 1}
    assert Record.objects.get().id == "crm/7"
    assert Record.objects.get().fields == {"a": 1}


def test_a_worker_that_died_is_replaced_and_no_row_counts_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(records, "BATCH", 10)
    run = given("orders.csv", as_csv(orders(30)))
    plan = guessed(run)
    plan.heads = run.preview["columns"]
    plans.save(plan)
    runs.begin(run, plan)
    settle, batches = runs.settle, []

    def dies(accepted: list[Record]) -> None:
        batches.append(accepted)
        if len(batches) == 2:
            raise KeyboardInterrupt
        settle(accepted)

    monkeypatch.setattr(runs, "settle", dies)
    with pytest.raises(KeyboardInterrupt):
        worked(run)
    assert Import.objects.get().done == Record.objects.count() == 10
    assert runs.waiting() == []
    assert worked(run).done == 10, "another worker waits until the lease has ended"
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert runs.waiting() == [run.pk]
    run = worked(run)
    assert (run.state, run.done, run.counts) == (State.DONE, 30, {"created": 30})


def test_cancelling_ends_it_after_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BATCH", 10)
    run = given("orders.csv", as_csv(orders(30)))
    plan = guessed(run)
    plan.heads = run.preview["columns"]
    plans.save(plan)
    runs.begin(run, plan)
    settle = runs.settle

    def cancels(accepted: list[Record]) -> None:
        settle(accepted)
        if Import.objects.get().done == 10:
            runs.cancel(run)

    monkeypatch.setattr(runs, "settle", cancels)
    run = worked(run)
    assert (run.state, run.done) == (State.CANCELLED, 10)
    assert Record.objects.count() == 10
    assert worked(run).state == State.CANCELLED


def test_what_cannot_be_read_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    run = given("orders.xlsx", b"PK\x03\x04 broken")
    assert run.state == State.FAILED
    assert run.reason.startswith("orders.xlsx")
    run = runs.start("gone.csv", "gone")
    assert "upload it again" in worked(run).reason

    def breaks(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "split", breaks)
    assert given("orders.csv", as_csv(orders(1))).reason == runs.BROKEN


def test_files_go_as_soon_as_nobody_needs_them() -> None:
    run = chosen(given("orders.csv", as_csv(orders(2))))
    assert not files.storage().exists(run.file)
    asks = given("other.csv", as_csv(orders(2), [name[::-1] for name in HEAD]))
    ended = given("third.csv", as_csv(orders(2), [name.lower() for name in HEAD]))
    assert ended.state == State.ASKING
    runs.cancel(ended)
    assert not files.storage().exists(ended.file)
    assert "rows" not in Import.objects.get(pk=ended.pk).preview
    Import.objects.update(at=timezone.now() - timedelta(days=8))
    files.forget()
    asks = Import.objects.get(pk=asks.pk)
    assert (asks.state, asks.preview) == (State.CANCELLED, {})
    long_ago = (timezone.now() - timedelta(days=1)).timestamp()
    os.utime(files.path_of(asks), (long_ago, long_ago))
    assert files.forget() == 1
    assert not files.storage().exists(asks.file)


def test_an_erased_customer_is_in_no_file_that_waits(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background.slow, "submit", lambda start, task, ids: task(*ids))
    late = [*orders(20), [*orders(1)[0][:1], "carol-7", *orders(1)[0][2:]]]
    theirs = given("orders.csv", as_csv(late))
    others = given("others.csv", as_csv(orders(3), [name.lower() for name in HEAD]))
    pages = given("pages.zip", zipped({"a.md": "# A\n\nFor carol-7.", "b.md": "# B\n\nText."}))
    done = Import.objects.create(
        name="old.csv", state=State.DONE, errors=[["row 2", "not a day: 'carol-7'"], ["row 3", "x"]]
    )
    with django_capture_on_commit_callbacks(execute=True):
        lifecycle.erase("carol-7")
    states = dict(Import.objects.values_list("name", "state"))
    assert states["orders.csv"] == states["pages.zip"] == State.CANCELLED
    assert states["others.csv"] == State.ASKING
    assert [files.storage().exists(run.file) for run in (theirs, others, pages)] == [
        False,
        True,
        False,
    ]
    theirs.refresh_from_db()
    assert "carol-7" not in json.dumps(theirs.preview)
    assert "was erased" in theirs.reason
    done.refresh_from_db()
    assert done.errors == [["row 3", "x"]]
