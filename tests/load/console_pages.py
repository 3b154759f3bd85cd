"""How long the console's pages and lists take, each asked for again and again, one at a time."""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import websockets

from inference.evaluation.markdown import table
from tests.load.bench_chat import ms

TIMES = 20
LOG_IN = "/admin/login/"
PAGES = {
    "figures, 30 days": "chatbot/figure/dashboard/",
    "figures, 90 days": "chatbot/figure/dashboard/?days=90",
    "figures as CSV": "chatbot/figure/dashboard/?days=90&csv=1",
    "conversations": "chatbot/conversation/",
    "conversations with a rare word": "chatbot/conversation/?q=word19000",
}
LISTS: dict[str, dict[str, Any]] = {
    "live: 5,000 open": {},
    "live: the last of them": {"page": 99},
    "live: closed": {"view": "closed"},
    "live: upset": {"mood": "upset"},
    "live: search, a rare word": {"view": "closed", "search": "word19000"},
    "live: search, a common word": {"view": "closed", "search": "refund"},
    "live: search, a word in most messages": {"view": "closed", "search": "the"},
    "live: search, two words": {"search": "tent refund"},
    "live: search, a customer": {"view": "closed", "search": "Ada777"},
}


async def logged_in(url: str, name: str) -> str:
    """The Cookie header of one of the demo's log-ins. Written by hand: outside TLS a client keeps
    secure cookies to itself, which browsers do not on their own machine."""
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        await client.get(LOG_IN)
        form = {"username": name, "password": "attune-demo", "next": "/admin/"}
        form["csrfmiddlewaretoken"] = client.cookies["csrftoken"]
        headers = {"Referer": url + LOG_IN, "Cookie": cookies(client)}
        answer = await client.post(LOG_IN, data=form, headers=headers)
        assert answer.status_code == 302, f"{name} could not log in"
        return cookies(client)


def cookies(client: httpx2.AsyncClient) -> str:
    return "; ".join(f"{key}={value}" for key, value in client.cookies.items())


def socket(url: str, cookies: str) -> websockets.connect:
    return websockets.connect(
        f"{url.replace('http', 'ws', 1)}/ws/console/",
        origin=url,  # type: ignore[arg-type]
        additional_headers={"Cookie": cookies},
        compression=None,
        max_queue=None,
        max_size=None,
    )


async def measure(url: str) -> str:
    cookies = await logged_in(url, "admin")
    waits = await pages(url, cookies) | await lists(url, cookies)
    rows = [[name, *(ms(found, share) for share in (0.5, 0.95))] for name, found in waits.items()]
    return table(["page", "median, ms", "95 %"], rows)


async def pages(url: str, cookies: str) -> dict[str, list[float]]:
    headers = {"Cookie": cookies}
    async with httpx2.AsyncClient(
        base_url=f"{url}/admin/", trust_env=False, timeout=60, headers=headers
    ) as client:

        async def ask(path: str) -> None:
            (await client.get(path)).raise_for_status()

        return {name: await timed(lambda path=path: ask(path)) for name, path in PAGES.items()}


async def lists(url: str, cookies: str) -> dict[str, list[float]]:
    async with socket(url, cookies) as page:

        async def answered(kind: str, **frame: Any) -> Any:
            await page.send(json.dumps(frame))
            while (found := json.loads(await page.recv()))["type"] != kind:
                assert found["type"] != "error", found
            return found

        waits = {
            name: await timed(lambda wanted=wanted: answered("rows", type="list", **wanted))
            for name, wanted in LISTS.items()
        }
        first = (await answered("rows", type="list"))["rows"][0]["id"]
        opened = lambda: answered("messages", type="open", conversation=first)  # noqa: E731
        return waits | {"live: a conversation": await timed(opened)}


async def timed(ask: Callable[[], Awaitable[Any]]) -> list[float]:
    """Seconds. The first one fills caches and does not count."""
    await ask()
    waits = []
    for _ in range(TIMES):
        began = time.monotonic()
        await ask()
        waits.append(time.monotonic() - began)
    return waits
