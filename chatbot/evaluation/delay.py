"""Measures how soon the customer can read something, with and without reading ahead.

Each line is {"question", "customer"}, as for answers; files of companies work, too. Each question
is asked in two ways: sent at once, and typed word by word, with a pause after each word, and sent
with the last one. Questions that the language model answers are also put to it directly, with the
same prompt. The three take turns in such an order that no prompt follows itself: otherwise the
server's prefix cache would hold more than the constant beginning of the prompt.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from tqdm import tqdm

from chatbot.engines import tiers
from chatbot.evaluation import companies
from chatbot.evaluation.apart import apart
from chatbot.reply import prompt
from chatbot.reply.ahead import Ahead
from chatbot.reply.answer import collect
from chatbot.reply.ask import as_json, asked_turn
from chatbot.reply.from_records import AT_ONCE, BY_LOOKUP
from chatbot.reply.retrieve import retrieve
from chatbot.reply.turn import Outcome, Turn
from crm.plumbing.threads import in_thread
from inference import sentences
from inference.evaluation.answers import judge, spread
from inference.evaluation.markdown import table
from inference.sentiment import Sentiment

Rows = list[dict[str, Any]]
WORDS_PER_MINUTE = 40
WITHOUT, AHEAD, BARE = "without", "ahead", "bare model"
MODEL, OTHER = "language model", "refusal, small talk, a person"


def run(rows: Rows, options: dict[str, Any]) -> dict[str, Any]:
    of_companies = bool(rows) and "company" in rows[0]
    turns = of_each_company(rows) if of_companies else asyncio.run(timed(rows))
    paths = [BY_LOOKUP, AT_ONCE, MODEL, OTHER]
    groups = {path: [turn for turn in turns if turn["path"] == path] for path in paths}
    figures = [summary(path, group, turns) for path, group in groups.items() if group]
    return {
        "figures": {"paths": [*figures, summary("all", turns, turns)], "turns": turns},
        "wrong": "",
    }


def of_each_company(rows: Rows) -> Rows:
    """Measure each company on a database that holds only its records."""
    turns: Rows = []
    with apart() as empty:
        for own in companies.each(rows):
            company = empty.holding(companies.records(own))
            file = company.folder / "questions.jsonl"
            file.write_text("".join(json.dumps(asked) + "\n" for asked in companies.asked(own)))
            turns += json.loads(company.manage(["evaluate", "delay", file, "--json"]))["turns"]
    return turns


async def timed(rows: Rows) -> Rows:
    """Return the path of each question and, for each way of asking it, the seconds until the first
    sentence and the tokens of the prompt that had to be read by then."""
    turns: Rows = [{"question": row["question"]} for row in rows]
    asked = [await in_thread(turn_of, row) for row in rows]
    ways = [(WITHOUT, collect), (AHEAD, typed)]
    if asked:
        await bare(asked[0][0])
    for round in range(len(ways) + 1):
        for number in tqdm(range(len(rows)), disable=None, leave=False):
            at = (number + round) % (len(ways) + 1)
            if at < len(ways):
                name, way = ways[at]
                turns[number] |= await answered(rows[number], asked[number], name, way)
            elif found := await bare(asked[number][0]):
                turns[number][BARE] = found
    return turns


def turn_of(row: dict[str, Any]) -> tuple[Turn, Sentiment]:
    today = date.fromisoformat(row["today"]) if "today" in row else None
    return asked_turn(row["question"], row.get("customer"), today=today)


async def answered(
    row: dict[str, Any],
    asked: tuple[Turn, Sentiment],
    name: str,
    way: Callable[[Turn], Awaitable[Outcome]],
) -> dict[str, Any]:
    turn, sentiment = asked
    outcome = await way(turn)
    read = sum(one["prompt_tokens"] - one["cached_tokens"] for one in outcome.generations[:1])
    about: dict[str, Any] = {"seconds": outcome.timings.get("first_sentence"), "read": read}
    if "expect" in row:
        about["right"] = judge(row, as_json(outcome, sentiment)).right
    return {name: about, "path": path_of(outcome)}


def path_of(outcome: Outcome) -> str:
    reason = outcome.routing.get("reason", "")
    return MODEL if outcome.generations else reason if reason in {AT_ONCE, BY_LOOKUP} else OTHER


async def typed(turn: Turn) -> Outcome:
    read, words = Ahead(), turn.text.split()
    for count in range(len(words)):
        read.follow(partial(replace, turn, text=" ".join(words[:count])))
        await asyncio.sleep(60 / WORDS_PER_MINUTE)
    read.end()
    return await collect(replace(turn, ahead=read.records), read.place)


async def bare(turn: Turn) -> dict[str, Any] | None:
    """Ask the language model alone; None if no records were found to ask it about."""
    found = await in_thread(retrieve, turn)
    if not found.answerable:
        return None
    began = time.monotonic()
    smallest, *_ = await in_thread(tiers.tiers)
    asked = prompt.messages(turn.text, found.records, found.history)
    async with aclosing(smallest.stream(asked, prompt.MAX_TOKENS)) as pieces:
        async for _ in sentences.stream(pieces):
            return {"seconds": time.monotonic() - began}
    return None


def summary(path: str, group: Rows, turns: Rows) -> dict[str, Any]:
    """Return the figures of one path's turns; the bare model's only for turns that the model
    answered."""
    ways = {way: [turn[way] for turn in group if way in turn] for way in (WITHOUT, AHEAD, BARE)}
    if path != MODEL:
        del ways[BARE]
    return {
        "path": path,
        "turns": len(group),
        "share": round(len(group) / max(1, len(turns)), 3),
    } | {way: figures(of_way) for way, of_way in ways.items()}


def figures(turns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    seconds = [turn["seconds"] for turn in turns if turn["seconds"] is not None]
    read = [turn["read"] for turn in turns if turn.get("read")]
    return {
        **(spread(seconds) or {"median": 0.0, "p95": 0.0}),
        "read": (spread(read) or {"median": 0})["median"],
        "right": sum(turn.get("right", False) for turn in turns),
    }


HEAD = (
    "path",
    "turns",
    "share",
    "without ahead, s",
    "ahead, s",
    "bare model, s",
    "tokens read",
    "right",
)


def as_text(result: dict[str, Any]) -> str:
    return table(HEAD, [cells(row) for row in result["figures"]["paths"]]) + (
        "\n\nSeconds until the first sentence: median / 95th percentile. Tokens of the prompt that "
        "the engine had to read after the message came (median), and right answers: without / "
        f"ahead. Ahead: typed at {WORDS_PER_MINUTE} words a minute, with a pause after each word."
    )


def cells(row: dict[str, Any]) -> list[str]:
    without, ahead = row[WITHOUT], row[AHEAD]
    return [
        row["path"].rstrip("."),
        str(row["turns"]),
        f"{row['share']:.0%}",
        *(seconds(row[way]) if way in row else "-" for way in (WITHOUT, AHEAD, BARE)),
        *(f"{without[name]:.0f} / {ahead[name]:.0f}" for name in ("read", "right")),
    ]


def seconds(found: dict[str, Any]) -> str:
    return f"{found['median']:.2f} / {found['p95']:.2f}"
