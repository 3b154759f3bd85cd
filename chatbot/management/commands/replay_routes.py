"""`manage.py replay_routes` tries another routing policy on past conversations."""

import asyncio
import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from chatbot.models import Reply
from chatbot.models.replies import Ending
from chatbot.reply.replay import Figures, Replayed, past, replay
from chatbot.reply.tier import Policy
from inference.energy import counters
from inference.evaluation.answers import spread
from inference.evaluation.markdown import table

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    help = (
        "Replays past turns under another routing policy and prints which answers it would have "
        'kept and what it would have cost. The policy is a JSON file: {"weights": {…}, '
        '"thresholds": {"small": 0, "large": 0.5}, "escalates": true}, each part optional. A model '
        "is asked again only if the policy sends a turn to another tier; nobody sees the answers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=ago, default=ago("7d"), help="e.g. 7d, 12h")
        parser.add_argument("--policy", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        try:
            policy = Policy.read(options["policy"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        replies = past(timezone.now() - options["since"])
        if not replies:
            raise CommandError("No model answered in that time: choose a longer --since.")
        before = counters.joules()
        replayed = asyncio.run(replay_all(replies, policy))
        figures = summary(replayed, counters.used(before, counters.joules()))
        self.stdout.write(json.dumps(figures) if options["json"] else as_text(figures))


def ago(text: str) -> timedelta:
    if not (match := re.fullmatch(r"(\d+)([mhdw])", text)):
        raise ArgumentTypeError(f"{text!r} is not a time span: write it like 7d or 12h")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


async def replay_all(replies: Sequence[Reply], policy: Policy) -> list[Replayed]:
    progress = tqdm(replies, unit=" turns", disable=None, leave=False)
    return [await replay(reply, policy) for reply in progress]


def summary(replayed: Sequence[Replayed], joules: float | None) -> dict[str, Any]:
    return {
        "turns": len(replayed),
        "asked_again": sum(turn.now is not turn.then for turn in replayed),
        "kept": sum(turn.kept for turn in replayed) / len(replayed),
        "joules_of_those_asked_again": joules,
        "then": totals([turn.then for turn in replayed]),
        "now": totals([turn.now for turn in replayed]),
    }


def totals(answers: Sequence[Figures]) -> dict[str, Any]:
    return {
        "tiers": {
            tier: sum(answer.tier == tier for answer in answers)
            for tier in sorted({answer.tier for answer in answers})
        },
        "wait": spread([answer.wait for answer in answers if answer.wait is not None]),
        "model_seconds": round(sum(answer.seconds for answer in answers), 1),
        "tokens": sum(answer.tokens for answer in answers),
        "handed_off": sum(answer.state == Ending.HANDED_OFF for answer in answers),
        "refused": sum(answer.state == Ending.REFUSED for answer in answers),
    }


def as_text(figures: dict[str, Any]) -> str:
    rows = [row(name, figures[key]) for name, key in (("as it was", "then"), ("policy", "now"))]
    head = ["", "answered by", "first sentence, s (median / p95)", "model seconds"]
    joules = figures["joules_of_those_asked_again"]
    used = "not measured" if joules is None else f"{joules:.0f} J"
    return table([*head, "tokens", "handed off", "refused"], rows) + (
        f"\n\n{figures['turns']} turns, {figures['asked_again']} of them asked again; "
        f"{figures['kept']:.1%} of the answers are kept (same outcome, same facts). "
        f"Energy of the turns asked again: {used}."
    )


def row(name: str, figures: dict[str, Any]) -> list[str]:
    wait = figures["wait"]
    return [
        name,
        ", ".join(f"{tier} {count}" for tier, count in figures["tiers"].items()),
        f"{wait['median']:.2f} / {wait['p95']:.2f}" if wait else "-",
        f"{figures['model_seconds']:.1f}",
        f"{figures['tokens']:,}",
        str(figures["handed_off"]),
        str(figures["refused"]),
    ]
