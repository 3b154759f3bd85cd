"""Measures the CPU time of a turn in a web process outside the models and the database:
`python deploy/local/services.py python -m tests.load.bench_wire`.

It reads an answer from the model's server, publishes an event, and makes a call in a thread.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import django
import uvloop

from tests.load.stub_slm import END, chunk

TOKENS, GAP, CALLS = 35, 0.004, 500
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PROMPT = [{"role": "user", "content": "x" * 3000}]


def token(number: int) -> bytes:
    choice = {"index": 0, "delta": {"content": " word" if number % 12 else ". The"}}
    body = {"id": "1", "object": "chat.completion.chunk", "model": "stub", "choices": [choice]}
    return chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while head := await reader.readuntil(b"\r\n\r\n"):
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r")[0]))
        writer.write(HEAD)
        for number in range(TOKENS):
            await asyncio.sleep(GAP)
            writer.write(token(number))
        writer.write(chunk(b"data: [DONE]\n\n") + END)


async def model_server() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def cost(times: int, act: Callable[[], Awaitable[object]]) -> float:
    """Return milliseconds of this process's CPU for one act."""
    for _ in range(20):
        await act()
    began = time.process_time()
    for _ in range(times):
        await act()
    return (time.process_time() - began) * 1000 / times


async def main() -> None:
    from chatbot.wire.bus import Bus
    from crm.plumbing.threads import in_thread
    from inference.generation.client import Generator
    from inference.sentences import stream

    stub = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.bench_wire", "serve", stdout=asyncio.subprocess.PIPE
    )
    assert stub.stdout
    port = int(await stub.stdout.readline())
    model = Generator(f"http://127.0.0.1:{port}/v1", "stub")
    bus = Bus(lambda: ["attune:live:1"], lambda *_: None)
    await bus.subscribe(bus.wanted())

    async def read() -> None:
        async with aclosing(model.stream(PROMPT, TOKENS)) as pieces:
            async for _ in stream(pieces):
                pass

    async def publish() -> None:
        bus.publish("attune:live:1", b"x" * 200)
        assert bus.sending
        await bus.sending

    print(f"an answer of {TOKENS} tokens   {await cost(60, read):.2f} ms")
    print(f"an event published and back   {await cost(CALLS, publish):.3f} ms")
    print(f"a call in a thread            {await cost(CALLS, lambda: in_thread(int)):.3f} ms")
    stub.kill()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(model_server())
    else:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
        django.setup()
        uvloop.run(main())
