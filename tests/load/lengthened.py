"""Makes answers of any vLLM equally long: a proxy that asks for an exact number of tokens.

Requests pass with `min_tokens` and `max_tokens` set, answers unchanged.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from urllib.parse import urlsplit

from tests.live.conftest import await_that, free_port
from tests.load.faults import listening

LENGTH = re.compile(rb"content-length: \d+", re.IGNORECASE)
CLOSE = b"Connection: close"


@contextmanager
def answers_of(tokens: int, url: str) -> Iterator[str]:
    """Yield the URL of a proxy in a process of its own."""
    port, there = free_port(), urlsplit(url)
    process = get_context("spawn").Process(
        target=serve, args=(port, there.hostname, there.port, tokens), daemon=True
    )
    process.start()
    try:
        await_that(lambda: listening(port))
        yield f"http://127.0.0.1:{port}{there.path}"
    finally:
        process.kill()
        process.join()


def serve(port: int, host: str, its_port: int, tokens: int) -> None:
    async def main() -> None:
        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await forward(reader, writer)
            writer.close()

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(host, its_port)
            back.write(await lengthened(reader, tokens))
            answer, gone = pump(there, writer), reader.read(1)
            tasks = [asyncio.create_task(answer), asyncio.create_task(gone)]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            # If the client has gone, this stops the engine.
            back.close()

        server = await asyncio.start_server(one, "127.0.0.1", port, backlog=1024)
        await server.serve_forever()

    asyncio.run(main())


async def lengthened(reader: asyncio.StreamReader, tokens: int) -> bytes:
    """Return the request that asks for an answer of that length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[0].split()[1])) if length else b""
    if head.startswith(b"POST"):
        asked = json.loads(body) | {"min_tokens": tokens, "max_tokens": tokens}
        body = json.dumps(asked).encode()
        head = LENGTH.sub(b"Content-Length: %d" % len(body), head)
    return head.replace(b"Connection: keep-alive", CLOSE) + body


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
