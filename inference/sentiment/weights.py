"""Writes a folder of weights for `Classifier.load`: graph, tokenizer, calibrated heads."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.nn import Linear

from inference.evaluation.classification import binary_f1
from inference.models.sources import digest
from inference.sentiment.classifier import EMOTIONS, INTENTS, Classifier, Heads, Student, softmax
from inference.sentiment.distillation.data import Example
from inference.sentiment.distillation.model import Scorer
from inference.training import linear

# The least F1 of an emotion hint: one that is as often wrong as right does not help.
EMOTION_F1 = 0.5
# The share of the messages without an intent in which it may be heard. Most of the messages that
# measure it use the intent's words and mean something else, as hardly any message does in service.
# Of 98 requests for a person, 0.79 are noticed at 0.5 %, 0.92 at 1 %, 0.95 at 2 % (2026-11-30).
FALSE_INTENTS = 0.02
# Missing a grave message costs more than alerting an agent needlessly. Of 40 grave messages of
# many trades (`stories/noddy.tsv`), 0.53 alert an agent with 3 %, 0.63 with 4 % and 0.65 with 5 %;
# of its 120 others, 0.03, 0.04 and 0.07 do. Of 110 dialogues, 0.66, 0.66 and 0.65 alert one at the
# right message (2026-11-30).
FALSE_OF_INTENT = {"leave": 0.03, "urgent": 0.04}
# The inverse of the penalty on large weights of an intent's head; no other was tried.
FREEDOM = 0.5


def write(
    scorer: Scorer,
    tokenizer: Path,
    graph: Callable[[tuple[Scorer, Path], Path], None],
    folder: Path,
) -> None:
    """Write the folder. `graph` exports a scorer, with its tokenizer's file, to ONNX at a path."""
    folder.mkdir(parents=True, exist_ok=True)
    heads = heads_of(scorer)
    graph((scorer, tokenizer), folder / "student.onnx")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    name = digest(folder / "student.onnx")[:12]
    (folder / "manifest.json").write_text(json.dumps({"student": name}, indent=1) + "\n")
    replace(heads, student=name).save(folder / "heads.npz")


def heads_of(scorer: Scorer) -> Heads:
    weight, bias = arrays(scorer.sentiment)
    emotion_weight, emotion_bias = arrays(scorer.emotion)
    intent_weight, intent_bias = arrays(scorer.intent)
    return Heads(
        weight=weight,
        bias=bias,
        temperature=1.0,
        emotion_weight=emotion_weight,
        emotion_bias=emotion_bias,
        thresholds=np.full(len(EMOTIONS), np.inf, np.float32),
        intent_weight=intent_weight,
        intent_bias=intent_bias,
        intent_thresholds=np.full(len(INTENTS), np.inf, np.float32),
    )


def arrays(layer: Linear) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy()


def calibrate(
    folder: Path, dev: list[Example], emotions: list[Example], intents: list[Example]
) -> None:
    """Fit the temperature, and the thresholds of the emotions and the intents, to texts that have
    these marks."""
    classifier = Classifier.load(folder, threads=os.cpu_count() or 1)
    heads = vars(classifier.heads).copy()
    features = features_of(classifier.student, [example.text for example in dev])
    labels = np.array([example.label for example in dev])
    logits = features @ heads["weight"].T + heads["bias"]
    heads["temperature"], lean = fitted(logits, labels)
    heads["bias"] = heads["bias"] + lean * heads["temperature"]
    features = features_of(classifier.student, [example.text for example in emotions])
    truth = np.array([example.emotions for example in emotions])
    heads["thresholds"] = thresholds(
        features @ heads["emotion_weight"].T + heads["emotion_bias"], truth
    )
    features = features_of(classifier.student, [example.text for example in intents])
    truth = np.array([example.intents for example in intents])
    heads["intent_thresholds"] = rarely_false(
        features @ heads["intent_weight"].T + heads["intent_bias"], truth
    )
    Heads(**heads).save(folder / "heads.npz")


def fit_intents(folder: Path, judged: dict[str, list[tuple[str, bool]]]) -> None:
    """Fit the head of each intent anew to the finished student's features.

    More texts say whether one intent holds than have all of their intents marked. Until then it
    hears a threat in every complaint.
    """
    classifier = Classifier.load(folder, threads=os.cpu_count() or 1)
    texts = list(dict.fromkeys(text for pairs in judged.values() for text, _ in pairs if text))
    places = {text: place for place, text in enumerate(texts)}
    features = features_of(classifier.student, texts)
    heads = vars(classifier.heads).copy()
    weights, biases = [], []
    for intent in INTENTS:
        pairs = [(places[text], has) for text, has in judged[intent] if text]
        rows, has = [place for place, _ in pairs], [int(has) for _, has in pairs]
        weight, bias = linear.fitted(features[rows], has, 2, FREEDOM)
        weights.append(weight[1] - weight[0])
        biases.append(bias[1] - bias[0])
    heads["intent_weight"] = np.array(weights, np.float32)
    heads["intent_bias"] = np.array(biases, np.float32)
    Heads(**heads).save(folder / "heads.npz")


def features_of(student: Student, texts: list[str]) -> NDArray[np.floating[Any]]:
    """Return the features of each text's first window; these texts have only one."""
    return student.features([student.windows(text)[0] for text in texts])


def fitted(logits: NDArray[Any], labels: NDArray[np.int64]) -> tuple[float, NDArray[np.float64]]:
    """Fit the temperature, and an addend per class, by which the probabilities fit best.

    Minimises the negative log likelihood by gradient descent. Without the addend the students lean
    towards "negative", which is more frequent in their lesson than in customers' messages.
    """
    inverse, lean = 1.0, np.zeros(logits.shape[1])
    for _ in range(3000):
        slope = softmax(logits * inverse + lean)
        slope[np.arange(len(labels)), labels] -= 1
        slope /= len(labels)
        inverse -= 0.1 * float((slope * logits).sum())
        lean -= 0.5 * slope.sum(axis=0)
    return 1 / inverse, lean - lean.mean()


def thresholds(logits: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float32]:
    """Find, per emotion, the threshold with the best F1; infinite if even that is too low."""
    chosen = []
    for column, present in zip(logits.T, truth.T, strict=True):
        candidates = np.quantile(column, np.linspace(0.5, 0.999, 200))
        reached = [binary_f1(present > 0, column > candidate) for candidate in candidates]
        best = int(np.argmax(reached))
        chosen.append(candidates[best] if reached[best] >= EMOTION_F1 else np.inf)
    return np.array(chosen, np.float32)


def rarely_false(logits: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float32]:
    """Find, per intent, the threshold that FALSE_INTENTS, or its own share, of the texts without it
    exceed."""
    shares = [FALSE_OF_INTENT.get(intent, FALSE_INTENTS) for intent in INTENTS]
    columns = zip(logits.T, truth.T, shares, strict=True)
    chosen = [np.quantile(one[present == 0], 1 - share) for one, present, share in columns]
    return np.array(chosen, np.float32)
