"""Figures on a labelled file."""

import asyncio
import gzip
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from chatbot.reply.ask import ask
from inference.evaluation.answers import Judged, judge, table
from inference.index import IndexUnavailable


class Command(BaseCommand):
    help = "Asks every question of a labelled file (JSON lines, .gz too) and prints what was right."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["answers"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--wrong", action="store_true", help="show each wrong answer")

    def handle(self, **options: Any) -> None:
        try:
            questions = read(options["file"])
            pairs = asyncio.run(answers(questions))
        except (OSError, ValueError, KeyError) as error:
            raise CommandError(f"{options['file']} cannot be used: {error!r}.") from error
        except IndexUnavailable as error:
            raise CommandError(str(error)) from error
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
