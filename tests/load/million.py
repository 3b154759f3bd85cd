"""`python -m tests.load.million`: a million messages into the PostgreSQL that DATABASE_URL names.

As ninety days of three inboxes leave them: 250,000 conversations, the newest 5,000 of them open.
Words are as common as in natural text. Made by COPY: the models' own columns, their defaults where
nothing is said here.
"""

import random
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django

DAYS, EACH, OPEN, CUSTOMERS = 90, 4, 5_000, 50_000
COMMON = (
    "the i my you to is and a it for order not have was of in return this that with on can "
    "please when where parcel delivery refund tent jacket size still arrived days money"
).split()
VOCABULARY = [*COMMON, *(f"word{number}" for number in range(20_000))]
# Zipf: each is as common as one over its place.
WEIGHTS = [1 / place for place in range(1, len(VOCABULARY) + 1)]
LABELS = ("negative", "neutral", "positive")
AUTHORS = ("customer", "bot", "customer", "bot")
CITED = [{"id": "order:1", "title": "Order 1"}]
TIMINGS = {"retrieve": 0.1, "first_sentence": 1.2, "total": 2.0}
GENERATIONS = [{"prompt_tokens": 400, "completion_tokens": 30, "joules": None}]
Row = dict[str, Any]


class Talks:
    """Oldest first; message n of conversation c has the id c * EACH + n."""

    def __init__(self, messages: int, visitors: list[uuid.UUID]) -> None:
        self.random = random.Random(7)
        self.visitors, self.count, self.now = visitors, messages // EACH, datetime.now(UTC)
        self.ids = [uuid.UUID(int=self.random.getrandbits(128)) for _ in range(self.count)]
        words = self.random.choices(VOCABULARY, WEIGHTS, k=600_000)
        self.texts = [" ".join(words[at : at + 12]) for at in range(0, len(words), 12)]

    def began(self, number: int) -> datetime:
        return self.now - timedelta(days=DAYS) * (1 - number / self.count)

    def score(self) -> float:
        return round(self.random.uniform(-1, 1), 3)

    def conversations(self) -> Iterator[Row]:
        for number, id in enumerate(self.ids):
            at, score = self.began(number), self.score()
            is_open = number >= self.count - OPEN
            state = self.random.choice(("bot", "bot", "waiting")) if is_open else "closed"
            yield {
                "id": id,
                "visitor_id": self.visitors[number % len(self.visitors)],
                "state": state,
                "waiting_since": at if state == "waiting" else None,
                # Told that nobody is there: a site that runs meanwhile has nothing to tell them.
                "away_at": at if state == "waiting" else None,
                "last_seq": EACH,
                "mood": score,
                "scores": [self.score(), score],
                "alert_weight": 0.7 if is_open and score < -0.9 else 0.0,
                "created_at": at,
                "last_message_at": at + timedelta(minutes=2),
                "closed_at": None if is_open else at + timedelta(hours=1),
            }

    def messages(self) -> Iterator[Row]:
        for number, id in enumerate(self.ids):
            at = self.began(number)
            for seq, author in enumerate(AUTHORS, start=1):
                row = {
                    "id": number * EACH + seq,
                    "conversation_id": id,
                    "seq": seq,
                    "author": author,
                    "text": self.random.choice(self.texts),
                    "at": at + timedelta(seconds=20 * seq),
                }
                yield row | (self.mood() if author == "customer" else {"citations": CITED})

    def mood(self) -> Row:
        return {"label": self.random.choice(LABELS), "score": self.score(), "confidence": 0.9}

    def replies(self) -> Iterator[Row]:
        for number, id in enumerate(self.ids):
            for seq in range(1, EACH, 2):
                yield {
                    "conversation_id": id,
                    "question_id": number * EACH + seq,
                    "answer_id": number * EACH + seq + 1,
                    "status": "done",
                    "state": "answered",
                    "timings": TIMINGS,
                    "generations": GENERATIONS,
                    "created_at": self.began(number),
                }


def copy(model: Any, rows: Iterator[Row]) -> None:
    from django.db import connection

    fields = [
        field
        for field in model._meta.concrete_fields
        if not (model.__name__ == "Reply" and field.primary_key)
    ]
    usual = {field.attname: field.get_default() for field in fields}
    columns = ", ".join(f'"{field.column}"' for field in fields)
    with connection.cursor() as cursor:
        command = f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN'
        with cursor.copy(command) as target:
            for row in rows:
                values = usual | row
                target.write_row(
                    [field.get_db_prep_save(values[field.attname], connection) for field in fields]
                )


def visitors() -> list[uuid.UUID]:
    from chatbot.models import Inbox, Visitor
    from crm.models import Customer

    inboxes = [
        Inbox.objects.get_or_create(key=key, defaults={"name": key})[0]
        for key in ("demo", "trade", "garden")
    ]
    people = [Customer(id=f"load_{n}", name=f"Ada{n} Byron{n % 997}") for n in range(CUSTOMERS)]
    Customer.objects.bulk_create(people, batch_size=5000)
    made = [Visitor(inbox=inboxes[n % 3], customer=one) for n, one in enumerate(people)]
    Visitor.objects.bulk_create(made, batch_size=5000)
    return [one.id for one in made]


def fill(messages: int) -> None:
    from django.core.management.color import no_style
    from django.db import connection

    from chatbot.models import Conversation, Message, Reply

    began = time.monotonic()
    talks = Talks(messages, visitors())
    copy(Conversation, talks.conversations())
    copy(Message, talks.messages())
    copy(Reply, talks.replies())
    with connection.cursor() as cursor:
        for command in connection.ops.sequence_reset_sql(no_style(), [Message, Reply]):
            cursor.execute(command)
        cursor.execute("VACUUM ANALYZE")
    print(f"{messages:,} messages in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
