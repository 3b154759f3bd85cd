"""Plans fetch their files themselves, from listed folders and hosts alone."""

import os
import resource
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from crm.importing import places, runs
from crm.models import Article, Import, ImportPlan, Record
from tests.crm.importing.samples import HEAD, as_csv, orders

# Slow: each test starts real child processes.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]
COLUMNS = {"id": "Order No", "customer": "Customer ID"}


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.KNOWLEDGE_FOLDERS = [str(tmp_path / "exports")]
    made = tmp_path / "exports" / "till"
    made.mkdir(parents=True)
    return made


def plan(place: Path | str, **values: Any) -> ImportPlan:
    made: dict[str, Any] = {
        "name": "Till",
        "namespace": "till",
        "kind": "order",
        "columns": COLUMNS,
    }
    made |= {"heads": HEAD, "day_first": True, "every_hours": 1}
    return ImportPlan.objects.create(**made | values, place=str(place))


def looked(of: ImportPlan, **options: Any) -> list[Import]:
    return [run for started in places.look(of.pk, **options) for run in runs.finish(started)]


def test_new_and_changed_files_of_a_folder_are_imported_and_others_not_read(folder: Path) -> None:
    till = plan(folder)
    (folder / "a.csv").write_bytes(as_csv(orders(2)))
    (folder / "notes.docx~").write_text("x")
    assert [run.counts for run in looked(till)] == [{"created": 2}]
    assert places.due() == []
    assert looked(till) == [], "it was looked at less than an hour ago"
    ImportPlan.objects.update(looked_at=timezone.now() - timedelta(hours=2))
    (folder / "b.csv").write_bytes(as_csv(orders(3)))
    assert places.due() == [till]
    assert [(run.name, run.counts) for run in looked(till)] == [
        ("b.csv", {"unchanged": 2, "created": 1})
    ]
    assert [run.name for run in looked(till, again=True)] == ["a.csv", "b.csv"]


def test_if_what_is_missing_goes_only_the_newest_table_counts(folder: Path) -> None:
    for age, name, count in ((20, "old.csv", 2), (10, "new.csv", 3)):
        (folder / name).write_bytes(as_csv(orders(count)))
        os.utime(folder / name, (1_700_000_000 - age, 1_700_000_000 - age))
    assert [run.name for run in looked(plan(folder, remove_missing=True))] == ["new.csv"]


def test_a_folder_may_hold_more_files_than_a_process_may_open(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (folder / f"{number}.md").write_text(f"# Page {number}\n\nIts text.")
    till, most = plan(folder), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (len([*Path("/proc/self/fd").iterdir()]) + 20, most[1])
    )
    try:
        [run] = looked(till)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert run.counts == {"created": 60}
    monkeypatch.setattr(places, "MOST_FILES", 59)
    [run] = looked(till, again=True)
    assert "holds more than 59 files" in run.reason
    assert Article.objects.exclude(state="archived").count() == 60


def test_a_plan_that_is_gone_is_not_looked_at(folder: Path) -> None:
    till = plan(folder)
    ImportPlan.objects.all().delete()
    assert places.look(till.pk) == []


def test_no_way_leads_out_of_the_listed_folders(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "salaries.csv").write_bytes(as_csv(orders(1)))
    # Nobody learns what there is elsewhere on the server.
    for wrong in (secret, f"{folder}/../../secret", "exports/till", "/etc", "/no/such/folder"):
        with pytest.raises(ValidationError, match="KNOWLEDGE_FOLDERS"):
            places.check(str(wrong))
    with pytest.raises(ValidationError, match="There is no folder"):
        places.check(f"{folder}/none")
    (folder / "out").symlink_to(secret)
    (folder / "salaries.csv").symlink_to(secret / "salaries.csv")
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(ValidationError, match="KNOWLEDGE_FOLDERS"):
        places.check(str(folder / "out"))
    [failed] = looked(plan(folder))
    assert "pipe.csv is not a plain file" in failed.reason
    assert not Record.objects.exists()


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined]
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_file_at_an_address_of_a_listed_host(folder: Path, site: str, settings: Any) -> None:
    (folder / "orders.csv").write_bytes(as_csv(orders(2)))
    address = f"http://{site}/orders.csv"
    with pytest.raises(ValidationError, match=f"{site} is not in the setting KNOWLEDGE_HOSTS"):
        places.check(address)
    [refused] = looked(plan(address))
    assert refused.state == Import.State.FAILED
    settings.KNOWLEDGE_HOSTS = [site]
    places.check(address)
    till = ImportPlan.objects.get()
    assert [run.counts for run in looked(till, again=True)] == [{"created": 2}]
    ImportPlan.objects.update(looked_at=None)
    assert looked(till) == []


def test_the_command_imports_a_folder_with_a_plan(folder: Path, capsys: Any) -> None:
    plan("")
    (folder / "orders.csv").write_bytes(as_csv(orders(2)))
    (folder / "a.md").write_text("# Returns\n\nWithin 30 days.")
    (folder / "b.md").write_text("# Hull\n\nQuay 4.")
    call_command("import_files", str(folder), "--plan", "Till", "--no-index")
    told = capsys.readouterr().out
    assert "orders.csv: Done. 2 created" in told
    assert "2 documents: Done. 2 created" in told
    assert Article.objects.filter(source="till/a.md", state="draft").exists()
    with pytest.raises(CommandError, match="There is no import plan 'Tell'. There are: Till."):
        call_command("import_files", str(folder), "--plan", "Tell")
    (folder / "orders.csv").write_bytes(as_csv(orders(2), [f"x{name}" for name in HEAD]))
    with pytest.raises(CommandError, match="Not everything"):
        call_command("import_files", str(folder / "orders.csv"), "--no-index")
    assert "It waits for your choices in the admin at /admin/crm/import/" in capsys.readouterr().out
