"""A record that is too long to be searched whole says so to its sender and to the operators."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from crm.inbound import apply
from crm.knowledge.passages import MOST_PASSAGES
from crm.knowledge.records import import_records
from crm.models import InboundEvent, Passage, Record, Source
from tests.chatbot.admin.console import text_of
from tests.crm.admin.conftest import charlie, root  # noqa: F401
from tests.crm.inbound.test_inbound import fresh, order, post, source, upserted  # noqa: F401

pytestmark = pytest.mark.django_db
SAID = f"its first {MOST_PASSAGES:,} passages are"
PAGE = "/admin/crm/record/order_3A1/change/"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that a test reaches in a moment."""
    monkeypatch.setattr("crm.knowledge.passages.MOST_PASSAGES", 20)
    monkeypatch.setattr("crm.admin.records.MOST_PASSAGES", 20)


def long(number: int = 1) -> dict[str, object]:
    return order(number, fields={"status": "sent", "note": "word " * 50_000})


def test_an_import_says_which_row_is_partly_searched() -> None:
    report = import_records([order(2), long()])
    assert report.created == 2
    assert [(row, SAID in note) for row, note in report.notes] == [(2, True)]
    assert Passage.objects.filter(record="order:1").count() == 20
    assert Record.objects.get(id="order:1").fields["note"].count("word") == 50_000


def test_the_import_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(long()))
    call_command("import_records", tmp_path / "rows.jsonl", no_index=True)
    assert SAID in capsys.readouterr().out


def test_the_event_that_brought_it_bears_the_note(source: Source) -> None:  # noqa: F811
    post(source, upserted(long()))
    apply.apply_pending()
    assert SAID in InboundEvent.objects.get().reason


def test_the_records_page_marks_it(charlie: Client) -> None:  # noqa: F811
    import_records([long(), order(2)])
    assert SAID in text_of(charlie, PAGE)
    assert "all of it is searched" in text_of(charlie, PAGE.replace("3A1", "3A2"))


def test_one_that_is_shortened_is_marked_no_more(charlie: Client) -> None:  # noqa: F811
    import_records([long()])
    import_records([order(updated_at="2026-11-02T00:00:00Z")])
    assert SAID not in text_of(charlie, PAGE)
