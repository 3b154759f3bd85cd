"""`make bench-growth`: what a turn costs for a customer with many records, beside one with few.

Three customers with 10, 1,000 and 10,000 records of their own ask the same questions; a short and a
long conversation take a message; agents' pages get the news. CPU milliseconds of this process and
of its PostgreSQL backends, with this machine's models and without a language model, in the database
that DATABASE_URL names or in an SQLite of its own. The database must be empty.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

RECORDS, MESSAGES, AGENTS = (10, 1_000, 10_000), (2, 1_000, 1_900), (0, 50, 200)
TIMES = 8
TODAY = date(2026, 11, 29)
QUESTIONS = {
    "search: my tent pole broke, what now": "The pole of my tent broke, what can I do now?",
    "number: where is order …": "Where is order {number}?",
    "last: where is my last order": "Where is my last order?",
    "next: when does my next parcel come": "When is my next order coming?",
    "open: which of my orders are open": "Which of my orders are still open?",
    "count: how many tickets": "How many tickets do I have in total?",
    "sum: what did I pay for invoices": "How much did I pay for all my invoices in total?",
    "thing: where is my kayak": "What is the status of my kayak?",
}
KINDS = ("order", "order", "invoice", "ticket")
THINGS = ("tent", "jacket", "stove", "boot", "torch", "bag", "filter", "rope", "chair", "kayak")


def rows(customer: str, count: int) -> Iterator[dict[str, Any]]:
    """Yield records of four years, the last tenth of them unfinished."""
    draw = random.Random(count)
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        day = TODAY - timedelta(days=round(1_400 * (1 - number / count)) + 2)
        is_open = number >= count * 0.9
        thing = "kayak" if number == count - 4 else draw.choice(THINGS[:-1])
        fields = {
            "status": draw.choice(("in transit", "open") if is_open else ("delivered", "paid")),
            "ordered": day.isoformat(),
            "expected": (day + timedelta(days=5)).isoformat(),
            "total": f"EUR {draw.randint(5, 400)}.50",
            "item": f"{draw.choice(('green', 'red', 'blue'))} {thing}",
        }
        code = f"{kind[0].upper()}{len(str(count))}{number:06}"
        yield {
            "id": f"{kind}:{code}",
            "kind": kind,
            "customer": customer,
            "title": f"{kind.capitalize()} {code}",
            "fields": fields,
            "updated_at": f"{day.isoformat()}T10:00:00Z",
        }


def articles() -> Iterator[dict[str, Any]]:
    for number in range(300):
        thing, text = THINGS[number % len(THINGS)], f"Shelf {number}. Send it back within 30 days."
        yield {
            "id": f"article:{number}",
            "kind": "article",
            "customer": None,
            "title": f"Repair of a {thing}, part {number}",
            "text": f"If your {thing} breaks, we repair it for nothing within two years. {text}",
            "updated_at": "2026-01-01T10:00:00Z",
        }


def filled() -> None:
    """Import the records with vectors drawn at random: the encoder would take minutes."""
    import numpy as np

    from crm.knowledge import indexing
    from crm.knowledge.records import import_records
    from crm.models import Passage

    for count in RECORDS:
        import_records(rows(f"cust_{count}", count))
    import_records(articles())
    draw = np.random.default_rng(1)
    ids = list(Passage.objects.values_list("id", flat=True))
    for some in indexing.batched(ids, 2_000):
        drawn = draw.standard_normal((len(some), indexing.encoder().dimension), np.float32)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        indexing.store_vectors(dict(zip(some, drawn, strict=True)))
    indexing.build()


def talk(messages: int, customer: str) -> Any:
    """Return a conversation with this number of messages by the customer and the bot."""
    from chatbot.conversation import customers
    from chatbot.models import Conversation, Inbox, Message, Reply, Visitor

    inbox = Inbox.objects.create(key=f"bench-{messages}", name="bench")
    visitor = Visitor.objects.create(inbox=inbox, customer_id=customer)
    conversation = customers.conversation_of(visitor)
    began = datetime.now(UTC) - timedelta(days=2)
    said = [
        Message(
            conversation=conversation,
            seq=seq,
            author="customer" if seq % 2 else "bot",
            text=f"Message {seq} about the tent",
            at=began + timedelta(seconds=seq),
            **({"label": "neutral", "score": 0.1, "confidence": 0.9} if seq % 2 else {}),
        )
        for seq in range(1, messages + 1)
    ]
    said = Message.objects.bulk_create(said, batch_size=500)
    Reply.objects.bulk_create(
        Reply(conversation=conversation, question=one, answer=two, status="done", state="answered")
        for one, two in zip(said[::2], said[1::2], strict=False)
    )
    Conversation.objects.filter(id=conversation.id).update(last_seq=messages)
    return conversation


class Spent:
    """CPU seconds of this process and of the PostgreSQL backend of its connection."""

    def __init__(self) -> None:
        from django.db import connection

        self.backend = 0
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.backend = cursor.fetchone()[0]

    def so_far(self) -> tuple[float, float]:
        path = Path(f"/proc/{self.backend}/schedstat")
        return time.process_time(), int(path.read_text().split()[0]) / 1e9 if self.backend else 0.0

    def by(self, work: Callable[[], Any]) -> str:
        """Return the milliseconds of one run, the least of two series."""
        work()
        series = []
        for _ in range(2):
            before = self.so_far()
            for _ in range(TIMES):
                work()
            series.append([(b - a) / TIMES for a, b in zip(before, self.so_far(), strict=True)])
        own, backend = (1_000 * min(column) for column in zip(*series, strict=True))
        return f"{own:7.2f}" + (f" +{backend:6.2f}" if self.backend else "")


def asking(spent: Spent) -> None:
    from chatbot.reply.lookup import look_up
    from chatbot.reply.retrieve import retrieve
    from chatbot.reply.turn import Turn
    from crm.knowledge.newest import newest

    def answered(turn: Turn) -> str:
        if found := look_up(turn):
            return "looked up" if found.sentences else "unclear"
        return "read" if retrieve(turn).lines else "nothing"

    head("CPU ms and how it was answered", RECORDS)
    for name, text in QUESTIONS.items():
        cells = []
        for count in RECORDS:
            asked = text.format(number=f"O{len(str(count))}{0:06}")
            turn = Turn(asked, f"cust_{count}", today=TODAY)
            cells.append(f"{spent.by(partial(answered, turn))} {answered(turn):>9}")
        line(name, cells)
    line("the newest of each kind", [spent.by(partial(newest, f"cust_{n}")) for n in RECORDS])


def head(name: str, counts: Sequence[int]) -> None:
    line(f"\n{name}", [f"{count:,}" for count in counts])


def line(name: str, cells: Iterable[str]) -> None:
    print(f"{name:40}" + "".join(f"{cell:>28}" for cell in cells), flush=True)


def talking(spent: Spent) -> None:
    from chatbot.conversation import customers, replies
    from chatbot.models import Reply
    from chatbot.reply import runner

    def turn(conversation: Any) -> None:
        client = f"{time.monotonic_ns()}"
        _, reply = customers.receive(conversation, client, "Where is my tent?", "bench")
        assert reply
        runner.turn_of(Reply.objects.select_related("question", "conversation").get(id=reply.id))
        replies.finish(reply, "answered", "It is on its way.", [])

    head("CPU ms of a message, by earlier messages", MESSAGES)
    line(
        "stored, read, finished",
        [spent.by(partial(turn, talk(count, "cust_10"))) for count in MESSAGES],
    )


async def watching() -> None:
    """Measure one changed row that goes to the pages of a number of agents."""
    from django.contrib.auth.models import User

    from chatbot.console.consumer import AgentConsumer
    from chatbot.console.feed import Feed
    from chatbot.console.frames import List
    from chatbot.models import Conversation

    class Page(AgentConsumer):
        async def write(self, text: str) -> None:
            pass

    conversation = await Conversation.objects.afirst()
    assert conversation
    agent, cells = await User.objects.acreate(username="bench"), []
    for count in AGENTS:
        feed = Feed()
        for _ in range(count):
            page = Page()
            page.agent, page.wanted, page.at_hand = agent, List(), None
            page.shown, page.alerts = set(), set()
            feed.listeners[page.changed] = {}
        before = time.process_time()
        for number in range(TIMES):
            await Conversation.objects.filter(id=conversation.id).aupdate(mood=number / 100)
            feed.changed(conversation.id)
            await asyncio.sleep(0.1)
        cells.append(f"{1_000 * (time.process_time() - before) / TIMES:7.2f}")
    head("CPU ms of a changed row, by agents", AGENTS)
    line("read once, sent to each", cells)


def main() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    filled()
    print(f"Other programs: load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.", flush=True)
    spent = Spent()
    asking(spent)
    talking(spent)
    asyncio.run(watching())


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
    with TemporaryDirectory() as folder:
        os.environ |= {"DATA_DIR": folder, "DATABASE_POOL": "3", "MODEL_THREADS": "1"}
        main()
