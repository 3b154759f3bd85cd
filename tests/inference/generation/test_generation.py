"""The client of the language model against a real HTTP server that behaves badly on purpose."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any
from unittest import mock

import pytest

from inference.generation.client import (
    BROKEN_AFTER,
    ChatMessages,
    DeadlineExceeded,
    Generator,
    ServerBusy,
    ServerResting,
    ServerUnreachable,
    Usage,
)
from inference.generation.http import Connection
from inference.generation.pace import Deadlines

HI: ChatMessages = [{"role": "user", "content": "hi"}]
QUICK = Deadlines(connect=1, first_token=0.3, next_token=0.3, total=5)


def chunk(text: str | None) -> bytes:
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return b"data: " + json.dumps({**body, "choices": [choice]}).encode() + b"\n\n"


def usage_chunk() -> bytes:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    usage["prompt_tokens_details"] = {"cached_tokens": 3}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**body, "choices": [], "usage": usage}).encode() + b"\n\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


class Server:
    """Answers each connection with the next script: bytes are sent, numbers are slept."""

    def __init__(self, *scripts: list[bytes | float]) -> None:
        self.scripts = list(scripts)
        self.requests = 0
        self.hung_up = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[min(self.requests, len(self.scripts) - 1)]
        self.requests += 1
        try:
            if script:
                await reader.readuntil(b"\r\n\r\n")
            for step in script:
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                else:
                    await asyncio.sleep(step)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()


@asynccontextmanager
async def serving(server: Any) -> AsyncIterator[Generator]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield Generator(f"http://127.0.0.1:{port}/v1", "m", deadlines=QUICK)


async def answer(server: Server, usage: Usage | None = None) -> str:
    async with serving(server) as generator:
        stream = generator.stream([{"role": "user", "content": "hi"}], 10, usage)
        return "".join([piece async for piece in stream])


def test_pieces_come_as_they_are_generated_with_their_usage() -> None:
    usage = Usage()
    server = Server([HEAD, chunk(None), chunk("Hel"), chunk("lo"), usage_chunk(), DONE])
    assert asyncio.run(answer(server, usage)) == "Hello"
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (7, 2, 3)


def test_what_comes_in_halves_is_put_together() -> None:
    text = chunk("naïve") + chunk("ly")
    halves: list[bytes | float] = []
    for at in range(0, len(text), 50):
        halves += [text[at : at + 50], 0.001]
    assert asyncio.run(answer(Server([HEAD, *halves, DONE.replace(b"\n", b"\r\n")]))) == "naïvely"


def test_nobody_is_woken_between_the_first_token_and_the_end_of_a_sentence() -> None:
    pieces = ["One", " two", " three", " four", " five", ".", " Six"]
    script: list[bytes | float] = [HEAD]
    for piece in pieces:
        script += [chunk(piece), 0.002]
    read = mock.patch.object(Connection, "read", autospec=True, side_effect=Connection.read)
    with read as reads:
        assert asyncio.run(answer(Server([*script, DONE]))) == "".join(pieces)
    assert reads.call_count <= 5  # "One", up to ".", " Six", [DONE]; one more if packets are cut.


@pytest.mark.slow
def test_an_answer_may_take_longer_than_a_token_although_nobody_is_woken_for_each() -> None:
    script: list[bytes | float] = [HEAD]
    for _ in range(5):
        script += [chunk(" word"), 0.3]  # Without a pace, a token may take 0.9 s.
    assert asyncio.run(answer(Server([*script, DONE]))) == " word" * 5


KEEPS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Keeper:
    """Answers every request of a connection, as servers do that keep connections."""

    def __init__(self) -> None:
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r")[0])
                await reader.readexactly(length)
                for event in (chunk("Hel"), chunk("lo"), DONE, b""):
                    writer.write(KEEPS * (event == chunk("Hel")))
                    writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                    await asyncio.sleep(0.002)  # The end comes by itself, after [DONE].
        writer.close()


def test_a_connection_serves_one_answer_after_another_unless_one_was_cut_off() -> None:
    keeper = Keeper()

    async def ask() -> list[str]:
        async with serving(keeper) as generator:
            whole = ["".join([piece async for piece in generator.stream(HI, 10)])]
            await asyncio.sleep(0.05)
            async with aclosing(generator.stream(HI, 10)) as cut_off:
                await anext(cut_off)
            assert keeper.connections == 1
            return [*whole, "".join([piece async for piece in generator.stream(HI, 10)])]

    assert asyncio.run(ask()) == ["Hello", "Hello"]
    assert keeper.connections == 2


def test_the_connections_of_an_event_loop_that_has_ended_are_closed() -> None:
    generator = Generator("", "m", deadlines=QUICK)

    async def ask() -> Any:
        async with serving(Keeper()) as there:
            generator.url = there.url
            assert [piece async for piece in generator.stream(HI, 10)] == ["Hel", "lo"]
            await asyncio.sleep(0.05)
            [kept] = generator._connections.idle
            return kept.transport.get_extra_info("socket")

    first = asyncio.run(ask())
    asyncio.run(ask())
    gc.collect()
    assert first.fileno() == -1


def test_a_connection_that_the_server_closed_is_tried_once_more() -> None:
    server = Server([], [HEAD, chunk("Hello"), DONE])
    assert asyncio.run(answer(server)) == "Hello"
    assert server.requests == 2


def test_no_server_is_said_with_its_address() -> None:
    generator = Generator("http://127.0.0.1:9/v1", "m", deadlines=QUICK)

    async def ask() -> None:
        async for _ in generator.stream([{"role": "user", "content": "hi"}], 10):
            pass

    with pytest.raises(ServerUnreachable, match="127.0.0.1:9"):
        asyncio.run(ask())


def test_a_busy_server_says_when_to_come_back() -> None:
    head = b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with pytest.raises(ServerBusy) as caught:
        asyncio.run(answer(Server([head])))
    assert caught.value.retry_after == 3


def test_a_server_may_say_inside_the_stream_that_it_is_busy() -> None:
    refused = b'data: {"error": {"message": "Its queue is full", "code": 503}}\n\n'
    with pytest.raises(ServerBusy):
        asyncio.run(answer(Server([HEAD, refused, DONE])))


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        [5.0],
        [HEAD, 5.0],
        [HEAD, chunk("Hel"), 5.0],
    ],
)
def test_a_server_that_stops_is_not_waited_for(script: list[bytes | float]) -> None:
    with pytest.raises(DeadlineExceeded):
        asyncio.run(answer(Server(script)))


@pytest.mark.parametrize(
    "script",
    [
        [HEAD.replace(b"Connection: close", b"Content-Length: 9999"), chunk("Hel")],
        [HEAD, chunk("Hel"), b"data: {broken\n\n"],
        [HEAD, chunk("Hel"), b'data: {"error": {"message": "Oops", "code": 500}}\n\n'],
        [b"nonsense\r\n\r\n"],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"],
    ],
)
def test_an_answer_that_breaks_off_is_an_error_not_an_answer(script: list[bytes | float]) -> None:
    with pytest.raises(ServerUnreachable):
        asyncio.run(answer(Server(script)))


def test_closing_the_stream_hangs_up() -> None:
    server = Server([HEAD, chunk("Hello"), *[0.05, chunk("more")] * 100])

    async def take_one() -> None:
        async with serving(server) as generator:
            stream = generator.stream([{"role": "user", "content": "hi"}], 10)
            async with aclosing(stream):
                await anext(stream)
            await asyncio.wait_for(server.hung_up.wait(), 10)

    asyncio.run(take_one())


def test_what_was_written_until_the_stream_was_closed_is_counted() -> None:
    usage = Usage()

    async def hang_up_after(pieces: int) -> None:
        server = Server([HEAD, *[chunk("word ")] * 9, usage_chunk(), DONE])
        async with serving(server) as generator, aclosing(generator.stream(HI, 10, usage)) as words:
            async for _ in words:
                if (pieces := pieces - 1) == 0:
                    return

    asyncio.run(hang_up_after(3))
    assert usage.completion_tokens == 3


def test_a_server_that_failed_three_times_in_a_row_is_left_alone_for_a_while() -> None:
    server = Server([b"nonsense\r\n\r\n"])

    async def ask_often() -> None:
        async with serving(server) as generator:
            for _ in range(BROKEN_AFTER):
                await fails(generator, ServerUnreachable)
            asked = server.requests
            await fails(generator, ServerResting)
            assert server.requests == asked
            server.scripts = [[HEAD, chunk("Hello"), DONE]]
            generator.breaker.tries_again_at = 0
            assert [piece async for piece in generator.stream(HI, 10)] == ["Hello"]
            assert [piece async for piece in generator.stream(HI, 10)] == ["Hello"]

    asyncio.run(ask_often())


async def fails(generator: Generator, error: type[Exception]) -> None:
    with pytest.raises(error):
        async for _ in generator.stream(HI, 10):
            pass
