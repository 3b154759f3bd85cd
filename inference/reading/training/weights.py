"""Writes the weights of the reader and of the reranker: graphs in eight bits, with a manifest."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.evaluation import reading
from inference.evaluation.reading import Ranked
from inference.models import export
from inference.models.sources import digest
from inference.reading.reader import Reader
from inference.reading.training.data import Lesson
from inference.reading.training.model import Matcher
from inference.reading.training.reranking import Together

# A line that is further behind the reader's best one, in units of the reader's score, is not ranked
# again. Of 600 questions of twelve companies and 360 messages in conversations, none trained on,
# the right line comes first for 0.764 and 0.676, and the AUC is 0.914 and 0.855, with 2.5 as well
# as without a limit, but 2.8 lines are ranked instead of 5; with 1.5 it comes first for 0.754 and
# 0.674 (2026-11-29).
WITHIN = 2.5
# Lines that are ranked again (10 ms each on one core), and how much the reranker's score counts
# beside the reader's. Of 480 questions of the twelve companies that are not trained on, the right
# line comes first for 0.766; with 8 lines for 0.766, with weights of 0.5 and 2 for 0.758 and 0.768,
# without it for 0.716. Of the 340 messages in conversations that have an answer: 0.671; 0.674;
# 0.676 and 0.674; 0.632 (2026-11-29).
RANKED_AGAIN, OWN_WEIGHT = 5, 1.0


class Tokenwise(nn.Module):
    """The transformer as a graph: token ids to a vector for each token."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        # With four dimensions it is added to the scores unchanged: a simpler graph.
        penalty = (1.0 - attention_mask.to(torch.float32)[:, None, None, :]) * -1e4
        hidden: Tensor = self.body(input_ids, penalty, torch.zeros_like(input_ids))[0]
        return hidden


def write(model: Matcher, start: Path, folder: Path, about: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    model.body.set_attn_implementation("eager")
    export.scale_rows(model.body)
    graph, inputs = folder / "model.int8.onnx", ["input_ids", "attention_mask"]
    export.write_graph(Tokenwise(model.body), graph, inputs, "tokens")
    shutil.copyfile(start / "tokenizer.json", folder / "tokenizer.json")
    sha = digest(folder / "model.int8.onnx")
    word_weights = [*model.weight.weight[0].tolist(), model.weight.bias.item()]
    about = {
        "name": f"reader@{sha[:12]}",
        "model_sha256": sha,
        "bytes": (folder / "model.int8.onnx").stat().st_size,
        "scales": [round(one, 4) for one in model.scales.tolist()],
        "word_weights": [round(one, 5) for one in word_weights],
        **about,
    }
    note(folder, about)


def export_pairs(model: Together, folder: Path) -> str:
    """Write the graph of a model that reads pairs, and its size and hash; return the hash."""
    folder.mkdir(parents=True, exist_ok=True)
    model.body.set_attn_implementation("eager")
    export.scale_rows(model.body)
    write_graph(model, folder / "model.int8.onnx")
    sha = digest(folder / "model.int8.onnx")
    note(folder, {"model_sha256": sha, "bytes": (folder / "model.int8.onnx").stat().st_size})
    return sha


def write_graph(model: Together, target: Path) -> None:
    names = ["input_ids", "attention_mask", "token_type_ids", "questions", "lines"]
    export.write_graph(model, target, names, "scores")


def write_reranker(model: Together, folder: Path, about: dict[str, Any]) -> None:
    sha = export_pairs(model, folder)
    about = {
        "name": f"reranker@{sha[:12]}",
        "count": RANKED_AGAIN,
        "within": WITHIN,
        "weight": OWN_WEIGHT,
        "calibration": [0.0, 1.0, 0.0],
        "sureness": [1.0, 0.0, 0.0],
        "thresholds": {"answering": 1.0, "at_once": 1.0, "telling": 1.0},
        "with_large": {},
        **about,
    }
    note(folder, about)


def note(folder: Path, more: dict[str, Any]) -> None:
    """Write into the manifest, beside what is there."""
    file = folder / "manifest.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | more, indent=1) + "\n")


def measure(folder: Path, companies: Sequence[Lesson]) -> None:
    """Note in the manifest what the reader reaches on companies that were not trained on."""
    reader, ranked = Reader(folder), []
    for lesson in companies:
        for one in lesson.asked:
            found = scores(reader, lesson, one.question).tolist()
            ranked.append(Ranked("", found, one.right, max(found)))
    note(folder, {"figures": reading.reader(ranked)})


def scores(reader: Reader, lesson: Lesson, question: str) -> NDArray[np.float32]:
    """Return the score of each line of the lesson."""
    return np.concatenate(reader.scores(question, lesson.texts))
