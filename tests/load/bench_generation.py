"""`make bench-generation`: Attune on vLLM beside the same vLLM asked directly, and llama.cpp.

A number of customers ask at a time, each the next question when the last is answered: through the
socket, the database, retrieval and the check; then as plain requests with the prompts that Attune
would send, timed to the same token: the end of the first sentence that the check lets pass, or the
end of the answer if it lets none pass. Both ask the same questions, and each comes first in every
other round, since the prefix cache helps whichever comes second.

With VLLM_URL (and SLM_NAME, SLM_API_KEY), that server is used on its GPU, with WEB_PROCESSES of
Attune and without llama.cpp. Otherwise vLLM's CPU build computes on all cores but the last, and
everything else, both clients included, keeps to the last. If a device counts its energy, a plain
client is charged all that the device uses meanwhile, and Attune the figures stored with its
answers, which are right only with a single web process. Beside Attune's share of vLLM's tokens/s
stands the share that a closed queue predicts (queue_model.py).
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, count, product
from pathlib import Path
from tempfile import TemporaryDirectory

from inference.energy import counters
from inference.evaluation.markdown import table
from inference.generation.client import Generator
from inference.generation.pace import Deadlines
from inference.models import catalogue
from tests.live.conftest import await_that, free_port, prepared
from tests.live.vllm.conftest import KEY, serving
from tests.load import cost, new_questions, peer, queue_model
from tests.load.bench_chat import AttuneClient
from tests.load.faults import Parts
from tests.load.lengthened import answers_of
from tests.load.soak import site

QUESTIONS = (
    "how long do I have to return something?",
    "how long does a refund take?",
    "can I pay by invoice?",
    "what does shipping cost?",
    "how do I change my delivery address?",
    "is there a warranty on tents?",
)
# Conversations at a time, and rounds of each: more where a round has few turns.
LEVELS = {1: 5, 8: 3, 16: 3, 32: 3}
# Questions of each customer: at first all ask in the same moment, and then each at their own.
TURNS = 4
# Of each customer, one after another.
Questions = Sequence[Sequence[str]]
PATIENT = Deadlines(first_token=600, next_token=600, total=1200)
ATTUNE, DIRECT, LLAMA = "Attune on vLLM", "vLLM directly", "llama.cpp directly"


@dataclass
class Round:
    """Of one way at one level."""

    # Seconds to the first sentence that a customer would see.
    first: list[float]
    tokens: int
    seconds: float
    # None where nothing counts them.
    joules: float | None
    # CPU of Attune's web processes, in seconds a turn.
    cpu: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.first)

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds

    @property
    def length(self) -> float:
        """Return the average tokens of an answer."""
        return self.tokens / len(self.first)


_turn, _draw = count(), random.Random()


def question() -> str:
    """One that was never asked before, about each of the records in turn; a name says nothing about
    a record."""
    name = new_questions.name(_draw)
    return f"Hello, this is {name}, {QUESTIONS[next(_turn) % len(QUESTIONS)]}"


def customers(number: int, least: int = TURNS) -> Questions:
    """Each customer asks all questions when alone, and some of them among many."""
    turns = max(least, 2 * len(QUESTIONS) // number)
    return [[question() for _ in range(turns)] for _ in range(number)]


async def direct(generator: Generator, asked: Questions) -> Round:
    # Django's settings are there only now.
    from tests.load.directly import directly

    return Round(*await directly(generator, asked))


async def through_attune(parts: Parts, asked: Questions) -> Round:
    """Each question in a conversation of its own: a second one would have a history, and with it
    another prompt than is asked directly."""
    clients = [[AttuneClient(parts.site.url) for _ in texts] for texts in asked]
    for client in chain(*clients):
        await client.connect()
    before, cpu, began = await written(), cpu_of(parts), time.monotonic()
    talks = await asyncio.gather(*(talk(*mine) for mine in zip(clients, asked, strict=True)))
    seconds, cpu = time.monotonic() - began, cpu_of(parts) - cpu
    after = await written()
    for client in chain(*clients):
        await client.close()
    joules, first = counters.used(before[1], after[1]), list(chain(*talks))
    return Round(first, after[0] - before[0], seconds, joules, cpu / len(first))


def cpu_of(parts: Parts) -> float:
    return sum(map(cost.of_family, parts.web()))


async def talk(clients: Sequence[AttuneClient], texts: Sequence[str]) -> list[float]:
    """Seconds until each question was shown something."""
    return [(await client.ask(text)).first for client, text in zip(clients, texts, strict=True)]


async def written() -> tuple[int, float | None]:
    """Tokens, and joules where they are measured, of all of Attune's answers."""
    from chatbot.models import Reply

    rows = Reply.objects.values_list("generations", flat=True)
    all_ = [one async for row in rows for one in row]
    joules = [one["joules"] for one in all_]
    return sum(one["completion_tokens"] for one in all_), None if None in joules else sum(joules)


async def measure(
    parts: Parts, vllm: Generator, llama: Generator | None, levels: dict[int, int]
) -> None:
    """levels: how many rounds, by the number of conversations at a time."""
    first, joules = "first sentence, s (median)", "J per 1,000 tokens"
    head = ["conversations", "", first, "ratio", "tokens/s", "ratio", joules]
    rows, rounds_of = [], dict[int, dict[str, list[Round]]]()
    # The prefix cache holds the rules and the records for both, and Attune knows its records.
    for one in filter(None, (vllm, llama)):
        await direct(one, customers(1))
    await through_attune(parts, customers(1))
    for level, rounds in levels.items():
        found: dict[str, list[Round]] = {DIRECT: [], ATTUNE: []}
        for number in range(rounds):
            asked = customers(level)
            for name in (ATTUNE, DIRECT) if number % 2 else (DIRECT, ATTUNE):
                way = direct(vllm, asked) if name is DIRECT else through_attune(parts, asked)
                found[name].append(await way)
        if llama:
            # With many customers, it takes several times as long.
            found[LLAMA] = [await direct(llama, customers(level, 1))]
        rows += [row(level, name, one, found[DIRECT]) for name, one in found.items()]
        rounds_of[level] = found
        # As they come: whoever ends it early keeps what was measured.
        print(table(head, rows[-len(found) :]), file=sys.stderr, flush=True)
    print(f"{table(head, rows)}\n\n{predicted(rounds_of, len(parts.web()))}")


def predicted(rounds_of: dict[int, dict[str, list[Round]]], processes: int) -> str:
    """Show Attune's share of the engine's tokens/s beside the share that a closed queue predicts:
    with the cost of a turn as measured, and with its goals."""
    median, levels = statistics.median, list(rounds_of)
    direct = {level: found[DIRECT] for level, found in rounds_of.items()}
    ours = {level: found[ATTUNE] for level, found in rounds_of.items()}
    rates = {level: median(one.rate for one in direct[level]) for level in levels}
    length = median(one.length for one in chain(*direct.values()))
    cpu = median(one.cpu for one in chain(*ours.values()))
    alone = median(min(levels) * one.seconds / len(one.first) for one in ours[min(levels)])
    # Seconds of a turn in which neither computes, such as while the database writes.
    think = max(0.0, alone - cpu - min(levels) * length / rates[min(levels)])
    columns = {
        "measured": {level: median(ratios(ours[level], direct[level])) for level in levels},
        "predicted": queue_model.shares(rates, length, cpu, processes, think),
        "with 15 ms": queue_model.shares(rates, length, 0.015, processes, think),
        "with 8 ms, 4 processes": queue_model.shares(rates, length, 0.008, 4, think),
    }
    rows = [[str(level), *(f"{of[level]:.2f}" for of in columns.values())] for level in levels]
    return (
        f"{table(['customers', *columns], rows)}\n\nShares of the engine's tokens/s. A turn cost "
        f"{1000 * cpu:.0f} ms of CPU in {processes} processes, answers had {length:.0f} tokens, "
        f"and in {1000 * think:.0f} ms of a turn neither computed."
    )


def ratios(rounds: Sequence[Round], direct: Sequence[Round]) -> list[float]:
    """Return the ratios of rounds that asked the same questions, one after the other."""
    return [one.rate / other.rate for one, other in zip(rounds, direct, strict=True)]


def row(count: int, name: str, rounds: Sequence[Round], direct: Sequence[Round]) -> list[str]:
    """Medians of the rounds, so that a moment in which the machine is slow spoils one of them; the
    ratios are of rounds that asked the same, one after the other."""
    firsts, rates = [one.median for one in rounds], [one.rate for one in rounds]
    # llama.cpp's one round asked its own questions.
    same = len(rounds) == len(direct)
    pairs = list(zip(rounds, direct, strict=True) if same else product(rounds, direct))
    return [
        str(count),
        name,
        f"{statistics.median(firsts):.2f}",
        f"{statistics.median(one.median / other.median for one, other in pairs):.2f}",
        f"{statistics.median(rates):.1f}",
        f"{statistics.median(one.rate / other.rate for one, other in pairs):.2f}",
        joules_per_1000(rounds),
    ]


def joules_per_1000(rounds: Sequence[Round]) -> str:
    joules = [one.joules for one in rounds if one.joules is not None]
    if len(joules) < len(rounds):
        return "-"
    return f"{1000 * sum(joules) / sum(one.tokens for one in rounds):.0f}"


def cores() -> tuple[list[int], int]:
    """Those that vLLM's threads are bound to, and the one for all else: vLLM waits for its slowest
    thread, and so for whatever takes the core of one."""
    *most, last = sorted(os.sched_getaffinity(0))
    return most or [last], last


@contextmanager
def vllm_server(folder: Path) -> Iterator[tuple[str, str, str]]:
    """URL, model and key."""
    if url := os.environ.get("VLLM_URL"):
        yield url, os.environ.get("SLM_NAME", "slm"), os.environ.get("SLM_API_KEY", "none")
        return
    env = Path(os.environ["VLLM_ENV"])
    threads, _ = cores()
    settings = {"MAX_QUEUED": "256", "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, threads))}
    with serving(env, prepared(env), folder, [], **settings) as server:
        yield server.url, "slm", KEY


@contextmanager
def llama_server(folder: Path) -> Iterator[Generator]:
    port = free_port()
    options = ["--model", str(catalogue.located("chat-small")), "--port", str(port)]
    command = [sys.executable, "-m", "inference.generation.local_server", *options]
    with peer.running([*command, "--parallel", "4"], port, folder / "llama.log"):
        await_that(lambda: answers(f"http://127.0.0.1:{port}/health"))
        yield Generator(f"http://127.0.0.1:{port}/v1", "slm", deadlines=PATIENT)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def machine() -> str:
    if not shutil.which("nvidia-smi"):
        return f"{os.cpu_count()} CPU cores, no GPU"
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    return subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()


def prefix_cache(url: str) -> str:
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/metrics") as page:
        lines = page.read().decode().splitlines()
    hits, queries = (
        sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{name}{{"))
        for name in ("vllm:prefix_cache_hits_total", "vllm:prefix_cache_queries_total")
    )
    return f"{hits / queries:.0%} of {queries:,.0f} prompt tokens" if queries else "not measured"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, help="of every answer; by default its own")
    parser.add_argument("--levels", type=int, nargs="*", default=[*LEVELS], help="customers")
    parser.add_argument("--rounds", type=int, help="rounds of each level")
    options = parser.parse_args()
    levels = {level: options.rounds or LEVELS.get(level, 3) for level in options.levels}
    with TemporaryDirectory() as made, ExitStack() as stack:
        folder = Path(made)
        url, name, key = stack.enter_context(vllm_server(folder))
        cache = url
        if options.tokens:
            url = stack.enter_context(answers_of(options.tokens, url))
        settings = {"SLM_URL": url, "SLM_NAME": name, "SLM_API_KEY": key}
        settings["WEB_PROCESSES"] = os.environ.get("WEB_PROCESSES", "1")
        waits = {"SLM_FIRST_TOKEN_TIMEOUT": "600", "SLM_TOTAL_TIMEOUT": "1200"}
        llama = None
        if "VLLM_URL" not in os.environ:
            llama = stack.enter_context(llama_server(folder))
            os.sched_setaffinity(0, {cores()[1]})
        parts = stack.enter_context(site(folder, **settings, **waits, GENERATIONS="64"))
        os.environ |= parts.site.env | {"DATABASE_URL": parts.database, "REDIS_URL": ""}
        import django

        django.setup()
        vllm = Generator(url, name, key, PATIENT)
        asyncio.run(measure(parts, vllm, llama, levels))
        print(f"\nOn {machine()}. Prefix cache: {prefix_cache(cache)}.")


if __name__ == "__main__":
    main()
