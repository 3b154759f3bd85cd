"""The sources of model files, and the errors of fetching them.

ModelError
├── UnknownModel     no model of that name in the catalogue
├── ModelMissing     the files are not on this machine; says what to type
├── WrongHash        a file is not the one that its publisher made
├── NoSpace          the disk is too full; says how many bytes are needed where
└── SourceFailed     a source could not deliver
    └── NotOffered   this source is not set up; the next one is asked

A source is a function `(model, work, report)` that puts the model's files, under their own
names, into `work` / "ready". It may find in `work` what an interrupted run has left.
"""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import IO, Literal

CHUNK = 1 << 20
PARALLEL_WHEELS = 3

Report = Callable[[int, int, str], None]
"""Called with the bytes done, the bytes in all, and what is being done."""


class ModelError(Exception):
    """An error whose message is one sentence for the person at the command line."""


class UnknownModel(ModelError):
    pass


class ModelMissing(ModelError):
    pass


class WrongHash(ModelError):
    pass


class NoSpace(ModelError):
    pass


class SourceFailed(ModelError):
    pass


class NotOffered(SourceFailed):
    pass


@dataclass(frozen=True)
class File:
    """A file of a model; `path` is relative to the models folder."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Wheel:
    """A published package whose data members hold (a part of) the model."""

    requirement: str
    members: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """One entry of the catalogue.

    `packed` says what the members of all wheels are, in order: the parts of one file ("joined"),
    the parts of a zip archive ("zip"), or the files themselves ("files").
    `made` are the files that `python -m {maker} FOLDER` derives from the fetched ones.
    """

    name: str
    role: str
    title: str
    licence: str
    files: tuple[File, ...]
    wheels: tuple[Wheel, ...]
    packed: Literal["joined", "zip", "files"]
    hub: str
    maker: str = ""
    made: tuple[str, ...] = ()

    @property
    def filename(self) -> str:
        """The name of the model's file, or of its folder, in the models folder."""
        return self.files[0].path.split("/")[0]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def sha256(self) -> str:
        """The publisher's hash of the weights, which are the first file."""
        return self.files[0].sha256


def digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: Path, file: File) -> None:
    """Raise WrongHash, and remove the file, unless it is the publisher's."""
    actual = digest(path)
    if actual == file.sha256:
        return
    path.unlink()
    raise WrongHash(
        f"{file.path} is not the published file (SHA-256 expected {file.sha256}, "
        f"found {actual}); it was removed."
    )


@contextmanager
def disk_guard(folder: Path, needed: int) -> Iterator[None]:
    """Raise NoSpace if `needed` bytes do not fit into `folder`, before or during the work."""
    message = (
        f"No space left in {folder}: {needed:,} bytes are needed there, "
        f"{shutil.disk_usage(folder).free:,} are free."
    )
    if shutil.disk_usage(folder).free < needed:
        raise NoSpace(message)
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace(message) from error
        raise


def copy(source: IO[bytes], target: Path, advance: Callable[[int], None]) -> str:
    """Write `source` to `target`, sync it to the disk and return its SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.sha256()
    with target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            hasher.update(chunk)
            sink.write(chunk)
            advance(len(chunk))
        sink.flush()
        os.fsync(sink.fileno())
    return hasher.hexdigest()


class Progress:
    """Adds up the bytes of all files (or parts) of a model for one report."""

    def __init__(self, total: int, report: Report) -> None:
        self.done, self.total, self.report, self.lock = 0, total, report, Lock()

    def advance(self, count: int, what: str) -> None:
        with self.lock:
            self.done = min(self.done + count, self.total)
            self.report(self.done, self.total, what)


# 1. A folder ---------------------------------------------------------------------------


def from_folder(model: Model, work: Path, report: Report) -> None:
    """Copy from ATTUNE_MODEL_SOURCE, for example another machine's models folder."""
    ## Model files
    #: A folder to copy model files from, for example another machine's `ATTUNE_MODELS`.
    if not (setting := os.environ.get("ATTUNE_MODEL_SOURCE")):
        raise NotOffered("ATTUNE_MODEL_SOURCE is not set")
    folder, progress = Path(setting).expanduser(), Progress(model.bytes, report)
    if absent := [file.path for file in model.files if not (folder / file.path).is_file()]:
        raise NotOffered(f"{folder} (ATTUNE_MODEL_SOURCE) lacks {', '.join(absent)}")
    for file in model.files:
        with (folder / file.path).open("rb") as stream:
            copy(stream, work / "ready" / file.path, lambda n: progress.advance(n, "copying"))


# 2. Packages ---------------------------------------------------------------------------


def from_packages(model: Model, work: Path, report: Report) -> None:
    """Download the wheels, keep their data and assemble the model from it."""
    parts = work / "parts"
    parts.mkdir(exist_ok=True)
    progress, stop = Progress(model.bytes, report), Event()
    with ThreadPoolExecutor(PARALLEL_WHEELS) as pool:
        jobs = [
            pool.submit(_keep_parts, wheel, parts, first, progress, stop)
            for first, wheel in _numbered(model.wheels)
        ]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    report(model.bytes, model.bytes, "assembling the parts")
    _assemble(model, sorted(parts.glob("*.part")), work)


def _numbered(wheels: tuple[Wheel, ...]) -> Iterator[tuple[int, Wheel]]:
    """Yield each wheel with the number of its first member among those of all wheels."""
    first = 0
    for wheel in wheels:
        yield first, wheel
        first += len(wheel.members)


def _keep_parts(wheel: Wheel, parts: Path, first: int, progress: Progress, stop: Event) -> None:
    """Save the wheel's members as `NNN.<sha256>.part`, so that the next run can verify them."""
    kept = [_kept(parts, first + i) for i in range(len(wheel.members))]
    if all(kept):
        progress.advance(sum(part.stat().st_size for part in kept if part), "already here")
        return
    with tempfile.TemporaryDirectory(dir=parts) as folder:
        archive = _download(wheel.requirement, Path(folder), stop)
        with zipfile.ZipFile(archive) as members:
            for i, member in enumerate(wheel.members):
                _extract(members, member, parts / f"{first + i:03}", progress, wheel.requirement)


def _kept(parts: Path, number: int) -> Path | None:
    for part in parts.glob(f"{number:03}.*.part"):
        if digest(part) == part.name.split(".")[1]:
            return part
        part.unlink()
    return None


def _extract(
    archive: zipfile.ZipFile, member: str, stem: Path, progress: Progress, requirement: str
) -> None:
    try:
        with archive.open(member) as stream:
            draft = stem.with_suffix(".draft")
            seen = copy(stream, draft, lambda count: progress.advance(count, requirement))
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceFailed(f"{requirement} does not hold {member}: {error}") from error
    # The name is given last: a file called .part is complete.
    draft.replace(stem.with_name(f"{stem.name}.{seen}.part"))


def _download(requirement: str, folder: Path, stop: Event) -> Path:
    """Download the wheel of `requirement` into `folder`. None of it is installed or run."""
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-input", "--no-deps"]
    command += ["--no-cache-dir", "--only-binary=:all:", "--disable-pip-version-check"]
    process = subprocess.Popen(
        [*command, "--dest", str(folder), requirement],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # pip unpacks in TMPDIR, which is often a small memory file system.
        env={**os.environ, "TMPDIR": str(folder)},
    )
    errors = _wait(process, stop)
    if process.returncode == 0 and (wheels := sorted(folder.glob("*.whl"))):
        return wheels[0]
    raise _download_error(requirement, errors)


def _wait(process: subprocess.Popen[str], stop: Event) -> str:
    """Return the process's stderr; end the process if another download has failed."""
    while True:
        try:
            return process.communicate(timeout=0.5)[1]
        except subprocess.TimeoutExpired:
            if stop.is_set():
                process.terminate()


def _download_error(requirement: str, errors: str) -> Exception:
    if "No space left" in errors:
        return OSError(errno.ENOSPC, "No space left on device")
    lines = [line.removeprefix("ERROR: ") for line in errors.splitlines() if line.strip()]
    reason = lines[-1] if lines else "pip gave no reason"
    return SourceFailed(f"the package {requirement} could not be downloaded: {reason}")


def _assemble(model: Model, parts: list[Path], work: Path) -> None:
    ready = work / "ready"
    if model.packed == "files":
        for file, part in zip(model.files, parts, strict=True):
            _move(part, ready / file.path)
    elif model.packed == "joined":
        _join(parts, ready / model.filename)
    else:
        _join(parts, work / "joined.zip")
        _unzip(work / "joined.zip", model, ready)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def _join(parts: list[Path], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as sink:
        for part in parts:
            with part.open("rb") as stream:
                shutil.copyfileobj(stream, sink, CHUNK)


def _unzip(archive: Path, model: Model, ready: Path) -> None:
    """Extract the model's files from an archive that holds them in one folder."""
    try:
        with zipfile.ZipFile(archive) as members:
            names = members.namelist()
            for file in model.files:
                inner = file.path.split("/", 1)[1]
                name = next(name for name in names if name.split("/", 1)[-1] == inner)
                with members.open(name) as stream:
                    copy(stream, ready / file.path, lambda count: None)
    except (StopIteration, zipfile.BadZipFile) as error:
        raise SourceFailed(f"the packages of {model.name} hold a broken archive") from error
    archive.unlink()


# 3. The publisher's hub ------------------------------------------------------------------


def from_hub(model: Model, work: Path, report: Report) -> None:
    """Ask the publisher's hub, but only if ATTUNE_MODEL_HUB=1 allows it."""
    #: Set to `1` to allow downloads from the publishers' hub.
    #: Default: `0`.
    if os.environ.get("ATTUNE_MODEL_HUB") != "1":
        raise NotOffered("ATTUNE_MODEL_HUB=1 is not set")
    from huggingface_hub import hf_hub_download

    progress = Progress(model.bytes, report)
    for file in model.files:
        inner = file.path.split("/", 1)[-1]
        try:
            path = hf_hub_download(model.hub, inner, local_dir=work / "hub")
        except Exception as error:
            # The client raises its own, requests' and urllib3's errors; here all mean the same.
            raise SourceFailed(f"{model.hub} could not deliver {inner}: {error}") from error
        _move(Path(path), work / "ready" / file.path)
        progress.advance(file.bytes, "publisher's hub")


SOURCES = (from_folder, from_packages, from_hub)
