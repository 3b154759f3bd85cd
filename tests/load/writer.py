"""Changes that the CRM is told of: `python -m tests.load.writer COUNT RATE INBOX INBOX …`.

Messages in conversations of the inboxes, each in a transaction of its own, tried until it has been
committed; then its conversation and number are printed.
"""

import os
import sys
import time
from typing import Any

import django

# Conversations of one inbox.
CONVERSATIONS = 4


def write(count: int, rate: float, inboxes: list[str]) -> None:
    from django.db import DatabaseError, connection

    open_ones, began = [one for key in inboxes for one in opened(key)], time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        while True:
            try:
                seq = append(open_ones[number % len(open_ones)], f"change {number}")
            except DatabaseError:
                connection.close()
                time.sleep(0.2)
            else:
                print(open_ones[number % len(open_ones)], seq, flush=True)
                break


def opened(inbox: str) -> list[Any]:
    from chatbot.conversation import customers
    from chatbot.models import Inbox, Visitor

    found, _ = Inbox.objects.get_or_create(key=inbox, defaults={"name": inbox})
    visitors = [Visitor.objects.create(inbox=found) for _ in range(CONVERSATIONS)]
    return [customers.conversation_of(visitor).id for visitor in visitors]


def append(conversation: Any, text: str) -> int:
    from django.db import transaction

    from chatbot.conversation import changes

    with transaction.atomic():
        return changes.append(changes.locked(conversation), "system", text).seq


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
    django.setup()
    write(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
