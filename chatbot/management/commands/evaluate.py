"""Figures on a labelled file."""

import asyncio
import gzip
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chatbot.engines import sentiment_classifier
from chatbot.reply.ask import ask
from inference.catalogue import ModelError
from inference.evaluation.answers import Judged, judge, table
from inference.evaluation.sentiment import by_source, figures, scored
from inference.index import IndexUnavailable
from inference.sentiment import Sentiment


class Command(BaseCommand):
    help = (
        'Prints figures on a labelled file (JSON lines, .gz too). answers: {"id", "kind", '
        '"customer", "question", "expect"}, each question is asked; sentiment: {"text", "label"}.'
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["answers", "sentiment"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--wrong", action="store_true", help="show each wrong answer")

    def handle(self, **options: Any) -> None:
        try:
            rows = read(options["file"])
            self.answers(rows, options) if options["what"] == "answers" else self.sentiment(
                rows, options
            )
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"{options['file']} cannot be used: {error!r}.") from error
        except (IndexUnavailable, ModelError) as error:
            raise CommandError(str(error)) from error

    def sentiment(self, labelled: list[dict[str, Any]], options: dict[str, Any]) -> None:
        found = scored(sentiment_classifier().score, [row["text"] for row in labelled])
        labels = [row["label"] for row in labelled]
        sources = [(row.get("src", "all"), row["label"]) for row in labelled]
        table = {**by_source(sources, found), "all": figures(labels, found)}
        self.stdout.write(json.dumps(table) if options["json"] else moods_in_words(table))
        if options["wrong"]:
            self.stdout.write(
                "".join(misheard(*pair) for pair in zip(labelled, found, strict=True))
            )

    def answers(self, questions: list[dict[str, Any]], options: dict[str, Any]) -> None:
        pairs = asyncio.run(answers(questions))
        rows = table(judged for _, _, judged in pairs)
        self.stdout.write(json.dumps(rows) if options["json"] else in_words(rows))
        if options["wrong"]:
            self.stdout.write("".join(explained(*pair) for pair in pairs if not pair[2].right))


def read(path: Path) -> list[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


Pair = tuple[dict[str, Any], dict[str, Any], Judged]


async def answers(questions: list[dict[str, Any]]) -> list[Pair]:
    pairs = []
    for question in tqdm(questions, unit=" questions", disable=None, leave=False):
        answer = await ask(question["question"], question.get("customer"))
        pairs.append((question, answer, judge(question, answer)))
    return pairs


def in_words(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"{'kind':16}{'right':>12}{'share':>8}{'forbidden':>11}"
        f"{'first sentence':>18}{'end':>16}   (median / p95, s)"
    ]
    for row in rows:
        share = row["right"] / row["questions"]
        lines.append(
            f"{row['kind']:16}{row['right']:>6} of {row['questions']:<3}{share:>7.0%}"
            f"{row['forbidden']:>11}{pair(row['first_sentence']):>18}{pair(row['total']):>16}"
        )
    return "\n".join(lines)


def moods_in_words(table: dict[str, dict[str, Any]]) -> str:
    lines = [
        f"{'source':24}{'texts':>8}{'accuracy':>10}{'macro-F1':>10}"
        "   recall of negative, neutral, positive   calibration error"
    ]
    for source, row in table.items():
        recalls = "".join(f"{value:>8.3f}" for value in row["recall"].values())
        lines.append(
            f"{source:24}{row['rows']:>8,}{row['accuracy']:>10.3f}{row['macro_f1']:>10.3f}"
            f"{recalls:>33}{row['ece']:>27.3f}"
        )
    return "\n".join(lines)


def misheard(row: dict[str, Any], found: Sentiment) -> str:
    if row["label"] == found.label:
        return ""
    return f"\n{row['label']}, heard {found.label} ({found.confidence:.0%} sure): {row['text']}"


def pair(spread: dict[str, float] | None) -> str:
    return f"{spread['median']:.2f} / {spread['p95']:.2f}" if spread else "-"


def explained(question: dict[str, Any], answer: dict[str, Any], judged: Judged) -> str:
    held = "".join(f"\n    withheld: {h['sentence']} {h['missing']}" for h in answer["withheld"])
    expected = json.dumps(question["expect"], ensure_ascii=False)
    forbidden = f"\n    forbidden: {', '.join(judged.forbidden)}" if judged.forbidden else ""
    return (
        f"\n{question['id']} ({question['kind']}) {question['question']}\n"
        f"    {answer['state']}: {answer['answer']}\n"
        f"    expected: {expected[:120]}{held}{forbidden}\n"
    )
