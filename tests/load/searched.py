"""How soon a record is found once its webhook was answered: `… -m tests.load.searched PORT SECRET`.

Sends records one by one while the worker is still embedding those of the burst before, and asks for
each by its number, as a web process would. Prints the seconds as a JSON list.
"""

import asyncio
import json
import os
import sys
import time

import django

RECORDS, FIRST = 40, 1_000_000


async def seconds(port: int, secret: str) -> list[float]:
    from tests.load.bench_webhooks import sender, signed

    found = []
    for number in range(FIRST, FIRST + RECORDS):
        request = signed("/webhooks/crm/bench/", secret, number)
        await sender(port, iter([request]), [])
        answered = time.monotonic()
        await asyncio.to_thread(until_found, number)
        found.append(time.monotonic() - answered)
    return found


def until_found(number: int) -> None:
    from crm.knowledge.search import search
    from tests.load.bench_webhooks import record

    wanted = record(number)
    question = f"Where is order {wanted['fields']['order number']}?"
    while wanted["id"] not in {hit.record for hit in search(question, wanted["customer"])}:
        time.sleep(0.02)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
    django.setup()
    print(json.dumps(asyncio.run(seconds(int(sys.argv[1]), sys.argv[2]))))
