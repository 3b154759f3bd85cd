"""`make bench-turn`: what a turn costs one web process of Attune on PostgreSQL and Redis.

Customers of the demo shop ask new questions: about their own records, about products and articles,
and about things that nothing answers. The model server is a stub of fixed speed that answers from
the records. The use of the idle site in the same time is subtracted.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from inference.evaluation.markdown import table
from tests.load.bench_chat import in_ms
from tests.load.cost import Counts, Machine, Used, count_statements
from tests.load.faults import Parts
from tests.load.new_questions import Talk, talks
from tests.load.soak import site
from tests.load.stub_slm import SENTENCE, Speed
from tests.load.swarm import Client, Sent, started

# Faster than a model, so that 200 turns take a minute; a turn costs the same.
SPEED = Speed(0.05, 0.01)
TURNS_EACH = 5
WARM_UP = 5
# Characters of a statement that tell it from others.
STATEMENT = 150
ENDINGS = """
SELECT m.client_id, r.state, jsonb_array_length(r.generations) FROM chatbot_reply r
JOIN chatbot_message m ON m.id = r.question_id
"""
TRANSACTIONS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@dataclass
class Run:
    used: Used
    seconds: float
    sent: list[Sent]
    # The share of the machine that other programs took.
    others: float


async def play(parts: Parts, planned: Sequence[Talk], at_once: int) -> Run:
    waiting, sent, machine = list(reversed(planned)), list[Sent](), Machine.now()
    before, began = Used.of(parts), time.monotonic()

    async def one_after_another() -> None:
        while waiting:
            sent.extend(await talk(parts.site.url, waiting.pop()))

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return Run(Used.of(parts).since(before), time.monotonic() - began, sent, machine.others())


async def talk(url: str, planned: Talk) -> list[Sent]:
    client = Client(url, customer=planned.customer)
    (running,) = await started([client])
    for text in planned.texts:
        await (await client.ask(text)).answered.wait()
    running.cancel()
    await client.socket.close()
    return list(client.sent.values())


async def measure(parts: Parts, options: argparse.Namespace) -> str:
    count = -(-options.turns // TURNS_EACH)
    planned = talks(count + WARM_UP, TURNS_EACH)
    await play(parts, planned[:WARM_UP], 1)
    await asyncio.sleep(2)
    before = Used.of(parts)
    await asyncio.sleep(options.idle)
    idle = Used.of(parts).since(before)
    run = await play(parts, planned[WARM_UP:], options.at_once)
    net = run.used.less(idle, run.seconds / options.idle)
    return in_words(run, idle, net, endings(parts, run.sent), options)


def endings(parts: Parts, sent: Sequence[Sent]) -> dict[str, tuple[str, int]]:
    """Return, by the message's id, how its reply ended and the number of requests to the model."""
    ids = {message.id for message in sent}
    with psycopg.connect(parts.database) as connection:
        rows = connection.execute(ENDINGS).fetchall()
    return {str(id): (state, asked) for id, state, asked in rows if str(id) in ids}


def in_words(
    run: Run, idle: Used, net: Used, ended: dict[str, tuple[str, int]], options: argparse.Namespace
) -> str:
    turns = len(run.sent)
    cpu = [
        [name, f"{1000 * used / turns:.1f}", f"{1000 * idle.cpu[name] / options.idle:.1f}"]
        for name, used in net.cpu.items()
    ]
    model = SPEED.until(SENTENCE)
    asked = [one for one in run.sent if ended[one.id][1]]
    times = {
        "acknowledged": [one.ack or 0.0 for one in run.sent],
        "first sentence": [one.first_sentence or 0.0 for one in run.sent if one.first_sentence],
        "first sentence, added to the model's": [
            one.first_sentence - model for one in asked if one.first_sentence
        ],
    }
    rows = [[name, *in_ms(all_)] for name, all_ in times.items()]
    states = Counts(state for state, _ in ended.values())
    ways = ", ".join(f"{state} {number}" for state, number in states.most_common())
    transactions = sum(n for text, n in net.statements.items() if text.startswith(TRANSACTIONS))
    return "\n\n".join(
        [
            f"{turns} turns with new questions, {options.at_once} at a time, in "
            f"{run.seconds:.0f} s; the model was asked in {len(asked)}. Endings: {ways}. "
            f"Other programs took {run.others:.0%} of the machine.",
            table(["", "CPU, ms a turn", "idle, ms a second (subtracted)"], cpu),
            f"SQL statements a turn: {net.statements.total() / turns:.1f}, of which "
            f"{transactions / turns:.1f} begin or end a transaction. "
            f"Redis commands a turn: {net.commands.total() / turns:.1f}.",
            table(["ms", "median", "95 %", "99 %"], rows),
            *(listed(net.statements, net.commands, turns) if options.list else ()),
        ]
    )


def listed(statements: Counts, commands: Counts, turns: int) -> list[str]:
    """Show how often a turn calls each, the most frequent first."""
    tables = []
    for name, counts in (("statement", statements), ("Redis command", commands)):
        alike = Counts()
        for text, number in counts.items():
            alike[shortened(text)] += number
        rows = [[text, f"{number / turns:.2f}"] for text, number in alike.most_common()]
        tables.append(table([name, "a turn"], rows))
    return tables


def shortened(text: str) -> str:
    """Leave out a savepoint's number, and cut off the end."""
    return " ".join(re.sub(r'"s\d+_x\d+"', "…", text).split())[:STATEMENT].replace("|", "/")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=1, help="customers at a time")
    parser.add_argument("--tokens", type=int, default=SENTENCE, help="of an answer, at most")
    parser.add_argument("--idle", type=float, default=10, help="seconds of the idle measurement")
    parser.add_argument("--list", action="store_true", help="show each SQL statement and command")
    parser.add_argument(
        "--sure-at-once", action="store_true", help="ask no model if the reader is sure"
    )
    return parser.parse_args()


def main() -> None:
    options = arguments()
    stub = ["--first-token", f"{SPEED.first_token}", "--next-token", f"{SPEED.next_token}"]
    stub += ["--tokens", f"{options.tokens}", "--unsupported", "10"]
    settings = {"WEB_PROCESSES": "1", "GENERATIONS": "1000"}
    settings["ANSWER_AT_ONCE"] = str(int(options.sure_at_once))
    with TemporaryDirectory() as folder, site(Path(folder), stub, **settings) as parts:
        count_statements(parts)
        parts.restart_web()
        print(asyncio.run(measure(parts, options)))


if __name__ == "__main__":
    main()
