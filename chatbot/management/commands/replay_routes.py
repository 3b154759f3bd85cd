"""What another routing policy would have done with past conversations."""

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
from chatbot.reply.replay import Figures, Replayed, past, replay
from chatbot.reply.tier import Policy
from inference.energy import counters
from inference.evaluation.answers import spread
from inference.evaluation.markdown import table

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Command(BaseCommand):
    help = (
        "Replays past turns under another routing policy and prints what it would have kept and "
        'cost. The policy is a JSON file: {"weights": {…}, "thresholds": {"small": 0, "large": '
        '0.5}, "escalates": true}, each part optional. A model is asked again only where the '
        "policy sends a turn elsewhere; nobody sees the answers."
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
            raise CommandError("No answer of that time came from a model: choose a longer --since.")
        before = counters.joules()
        replayed = asyncio.run(all_of(replies, policy))
        figures = summary(replayed, counters.used(before, counters.joules()))
        self.stdout.write(json.dumps(figures) if options["json"] else in_words(figures))


def ago(text: str) -> timedelta:
    if not (found := re.fullmatch(r"(\d+)([mhdw])", text)):
        raise ArgumentTypeError(f"{text!r} is no time span: write it like 7d or 12h")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


async def all_of(replies: Sequence[Reply], policy: Policy) -> list[Replayed]:
    progress = tqdm(replies, unit=" turns", disable=None, leave=False)
    return [await replay(reply, policy) for reply in progress]


def summary(replayed: Sequence[Replayed], joules: float | None) -> dict[str, Any]:
    return {
        "turns": len(replayed),
        "asked_again": sum(one.now is not one.then for one in replayed),
        "kept": sum(one.kept for one in replayed) / len(replayed),
        "joules_of_those_asked_again": joules,
        "then": of([one.then for one in replayed]),
        "now": of([one.now for one in replayed]),
    }


def of(answers: Sequence[Figures]) -> dict[str, Any]:
    return {
        "tiers": {
            tier: sum(one.tier == tier for one in answers)
            for tier in sorted({one.tier for one in answers})
        },
        "wait": spread([one.wait for one in answers if one.wait is not None]),
        "model_seconds": round(sum(one.seconds for one in answers), 1),
        "tokens": sum(one.tokens for one in answers),
        "handed_off": sum(one.state == "handoff" for one in answers),
        "refused": sum(one.state == "refused" for one in answers),
    }


def in_words(figures: dict[str, Any]) -> str:
    rows = [row(name, figures[key]) for name, key in (("as it was", "then"), ("policy", "now"))]
    head = ["", "answered by", "first sentence, s (median / p95)", "model seconds"]
    joules = figures["joules_of_those_asked_again"]
    used = "not measured" if joules is None else f"{joules:.0f} J"
    return table([*head, "tokens", "handed off", "refused"], rows) + (
        f"\n\n{figures['turns']} turns, {figures['asked_again']} of them asked again; "
        f"{figures['kept']:.1%} of the answers are kept (they end alike and tell the same facts). "
        f"Energy of those asked again: {used}."
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
