"""The child process: ZIP files, hostile ones, and what it does if it may not go on."""

import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from crm.importing.formats import Unreadable, limits, read, reading, rows
from crm.importing.formats.archive import check, members
from crm.importing.formats.kinds import File, kind_of
from tests.crm.importing.files import text_pdf, xlsx, zipped

# Slow: each test starts a real child process.
pytestmark = pytest.mark.slow

Store = Callable[[str | bytes], Path]


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    def store(content: str | bytes) -> Path:
        path = tmp_path / "stored"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return store


def test_a_zip_gives_all_its_files_and_tells_which_could_not_be_read(stored: Store) -> None:
    path = stored(
        zipped(
            {
                "help/returns.md": "# Returns\nSend it.",
                "help/delivery.html": "<h1>Delivery</h1><p>Soon.",
                "terms.pdf": text_pdf("English law applies."),
                "orders.csv": "id,x\n1,2\n",
                "broken.docx": b"PK\x03\x04broken",
                "scan.pdf": text_pdf("Cut off.")[:200],
                "photo.md": b"\x89PNG\r\n",
                "more.zip": zipped({"a.md": "x"}),
                "../evil.md": "x",
                "__MACOSX/._returns.md": "x",
            }
        )
    )
    found = read(path, "all.zip")
    assert [(one.name, one.title, one.body) for one in found.documents] == [
        ("help/returns.md", "Returns", "Send it."),
        ("help/delivery.html", "Delivery", "Soon."),
        ("terms.pdf", "Terms", "English law applies."),
    ]
    assert [one.name for one in found.tables] == ["orders.csv"]
    assert dict(found.errors) == {
        "broken.docx": "broken.docx is a damaged ZIP: create it again",
        "scan.pdf": f"scan.pdf {reading.DAMAGED}",
        "photo.md": "photo.md is a picture: write down what it says",
        "more.zip": "more.zip is a ZIP in a ZIP: unpack it first",
        "../evil.md": "../evil.md has a path that leads out of the ZIP: create the ZIP again",
    }
    assert list(rows(path, "all.zip", "orders.csv")) == [(2, {"id": "1", "x": "2"})]
    with pytest.raises(Unreadable, match="invoices.csv is not in the file any more"):
        list(rows(path, "all.zip", "invoices.csv"))


def refused(data: bytes) -> list[str]:
    return [one[1] for one in members(File("a.zip", data)) if not isinstance(one, File)]


def test_links_and_locked_files_in_a_zip_are_refused() -> None:
    held = BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        link = zipfile.ZipInfo("passwd.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(held.getvalue()) == ["is only a link to a file: pack the file itself"]
    locked = bytearray(zipped({"a.md": "x"}))
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    assert refused(bytes(locked)) == ["has a password: create the ZIP again without one"]


def test_a_name_that_is_not_the_utf8_that_it_claims_to_be_spoils_only_its_own_file() -> None:
    data = bytearray(zipped({"é.md": "x", "b.md": "y"}))
    # The first of the two places that hold the name is beside the data.
    at = data.index("é".encode())
    data[at : at + 2] = b"\xff\xff"
    assert refused(bytes(data)) == ["is damaged in the ZIP: pack it again"]
    assert [one.name for one in members(File("a.zip", bytes(data))) if isinstance(one, File)] == [
        "b.md"
    ]


def test_zip_bombs_are_refused_before_they_are_unpacked() -> None:
    with pytest.raises(Unreadable, match="compressed so much"):
        refused(zipped({"a.md": bytes(limits.LARGE + 1)}))
    with pytest.raises(Unreadable, match="holds more than 2,000 files"):
        refused(zipped({f"{n}.md": "" for n in range(2_001)}, level=0))
    overlapping = zipfile.ZipFile(BytesIO(zipped({"a.md": "x" * 99, "b.md": "y" * 99})))
    first, second = overlapping.infolist()
    second.header_offset = first.header_offset
    with pytest.raises(Unreadable, match="whose files overlap"):
        check(overlapping)
    first.file_size = limits.UNPACKED + 1
    with pytest.raises(Unreadable, match="unpacks to more than 500 MB"):
        check(overlapping)


def test_a_workbook_that_is_a_bomb_is_refused() -> None:
    book = BytesIO(xlsx([["id"]]))
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/x", bytes(limits.LARGE + 1))
    with pytest.raises(Unreadable, match="compressed so much"):
        refused(book.getvalue())


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"%PDF-1.4", "a.txt", "pdf"),
        (xlsx([["a"]]), "a.csv", "xlsx"),
        (b"<!DOCTYPE html><p>Log in", "orders.csv", "html"),
        (b"<p>no page</p>", "a.md", "md"),
        (b'{"id": 1}\n{"id": 2}', "a.csv", "jsonl"),
        (b"id\tname", "orders.xls", "csv"),
        ("<html>".encode("utf-16"), "a.txt", "html"),
    ],
)
def test_content_tells_more_than_a_name(data: bytes, name: str, kind: str) -> None:
    assert kind_of(File(name, data)) == kind


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "a.csv", "is empty"),
        (b" \n ", "a.csv", "is empty"),
        (bytes(range(256)) * 9, "a.csv", "is not a text, although its name says so"),
        (b"\xd0\xcf\x11\xe0", "a.xls", "save it as .xlsx"),
        (b"MZ", "a.exe", "cannot be imported: choose .csv, .tsv"),
        (zipped({"xl/workbook.bin": ""}), "a.xlsb", "save it as .xlsx"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(
    data: bytes, name: str, sentence: str
) -> None:
    with pytest.raises(Unreadable, match=sentence):
        kind_of(File(name, data))


def test_a_file_that_is_too_large_starts_no_child(
    stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE", 3)
    monkeypatch.setattr(reading, "child", None)
    with pytest.raises(Unreadable, match="a.csv is larger than 100 MB: import it in parts"):
        read(stored("id,x"), "a.csv")


def confined(statement: str) -> subprocess.CompletedProcess[str]:
    """Run a statement as the child would."""
    begin = "from crm.importing.formats import limits; limits.MEMORY //= 4; limits.PROCESSOR = 1;"
    code = f"{begin} from crm.importing.formats.confinement import confine; confine()\n{statement}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=reading.ROOT, check=False
    )


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("import socket; socket.socket()", "PermissionError"),
        ("import os; os.execv('/bin/true', ['true'])", "PermissionError"),
        ("bytearray(900_000_000)", "MemoryError"),
        ("import pathlib; pathlib.Path('/tmp/attune-test').write_text('x')", "OSError"),
    ],
    ids=["network", "programs", "memory", "files"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's filter is Linux's")
def test_the_child_may_use_neither_network_nor_programs_nor_files_nor_much_memory(
    statement: str, error: str
) -> None:
    assert error in confined(statement).stderr


@pytest.mark.parametrize(
    ("death", "sentence"),
    [
        ("os.abort()", "terms.pdf is damaged"),
        ("os.kill(os.getpid(), 9)", "terms.pdf needs too much memory"),
        ("os.kill(os.getpid(), signal.SIGPROF)", "terms.pdf takes too long"),
        ("signal.pause()", "terms.pdf takes too long"),
    ],
    ids=["crash", "out of memory", "endless", "hanging"],
)
def test_a_child_that_dies_becomes_one_sentence_about_the_file_that_it_read(
    death: str, sentence: str, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = f'import os, signal; print(\'["file", "terms.pdf"]\', flush=True); {death}'
    start = subprocess.Popen

    def dying(_: list[str], **options: object) -> object:
        return start([sys.executable, "-Sc", code], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", dying)
    monkeypatch.setattr(limits, "SILENCE", 0.5)
    with pytest.raises(Unreadable, match=sentence):
        read(stored("x"), "all.zip")


def test_the_child_ends_where_nobody_wants_more_rows(
    stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda *a, **options: started.append(start(*a, **options)) or started[0],
    )
    wanted = rows(stored("id,x\n" + "1,2\n" * 50_000), "a.csv", "a.csv")
    assert next(wanted) == (2, {"id": "1", "x": "2"})
    wanted.close()
    assert started[0].returncode is not None


def test_the_child_needs_no_django_and_gets_no_secret(stored: Store) -> None:
    code = (
        "import sys; import crm.importing.formats.child; assert not {'django', 'lxml', 'openpyxl', "
        "'docx', 'pypdfium2', 'charset_normalizer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=reading.ROOT, check=True)
    assert set(reading.ENVIRONMENT) <= {"OPENPYXL_LXML", "PYTHONUTF8", "PATH"}
