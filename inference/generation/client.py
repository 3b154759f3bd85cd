"""Streams answers from any server with the OpenAI chat API (llama.cpp, vLLM).

It uses httpx2 directly: the openai package takes a third of a web process's time for what is one
request and a line of JSON per token.

GenerationError
├── ServerBusy         429 or 503: try again after `retry_after`
├── ServerUnreachable  no connection, or no proper answer
│   └── ServerResting  it failed several times in a row and is not asked for a while
└── DeadlineExceeded   connected, but too slow
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import httpx2

from inference.generation.pace import MOST, Deadlines, Pace

ChatMessages = list[dict[str, str]]
Clients = WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient]
# Failures in a row after which a server rests, and for how many seconds.
BROKEN_AFTER, RESTS_FOR = 3, 5.0
# HTTP statuses of an overloaded server.
BUSY = {429, 503}
# Characters of a server's refusal that an error quotes.
REFUSAL = 300


class GenerationError(Exception):
    """No answer from the language model; the message says why."""


class ServerBusy(GenerationError):
    def __init__(self, message: str, retry_after: float | None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerUnreachable(GenerationError):
    pass


class ServerResting(ServerUnreachable):
    pass


class DeadlineExceeded(GenerationError):
    pass


@dataclass
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    # Those of the prompt that the server's prefix cache held, if it says so.
    cached_tokens: int = 0
    # Seconds after the request; None if no token came.
    first_token: float | None = None
    # None if it is not measured.
    joules: float | None = None

    @property
    def fresh(self) -> float:
        """The share of the prompt that the server had to read; 1 where it does not say."""
        return 1 - self.cached_tokens / max(1, self.prompt_tokens)

    def count(self, counted: dict[str, Any]) -> None:
        """Take over what the server counted."""
        self.prompt_tokens = counted["prompt_tokens"]
        self.completion_tokens = counted["completion_tokens"]
        details = counted.get("prompt_tokens_details") or {}
        self.cached_tokens = details.get("cached_tokens") or 0

    def count_piece(self, after: float) -> None:
        """Count a piece, which is one token or a few.

        The server sends the exact count at the end, which a caller who closes the stream earlier
        does not receive.
        """
        self.completion_tokens += 1
        if self.first_token is None:
            self.first_token = round(after, 4)


@dataclass
class Breaker:
    """Lets a failing server rest, then tries one request at a time.

    Without it customers would wait for a deadline that passes again and again.
    """

    failures: int = 0
    tries_again_at: float = 0.0

    def check(self, url: str) -> None:
        if self.failures >= BROKEN_AFTER and time.monotonic() < self.tries_again_at:
            raise ServerResting(f"{url} has failed {self.failures} times in a row.")
        # Requests that come during this attempt are turned away.
        self.tries_again_at = time.monotonic() + RESTS_FOR


@dataclass
class Generator:
    """One model behind one URL. Sampling is greedy: the same prompt gives the same answer."""

    url: str
    model: str
    api_key: str = "none"
    deadlines: Deadlines = field(default_factory=Deadlines)
    breaker: Breaker = field(default_factory=Breaker)
    pace: Pace = field(default_factory=Pace)
    clock: Callable[[], float] = time.monotonic
    # Requests that currently share the engine.
    under_way: int = 0

    def __post_init__(self) -> None:
        # A connection belongs to the event loop that opened it; background tasks have their own.
        self._clients: Clients = WeakKeyDictionary()

    @property
    def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            connect = self.deadlines.connect
            # No proxies from the environment and no redirects: requests go only to the named host.
            self._clients[loop] = httpx2.AsyncClient(
                headers={"Authorization": f"Bearer {self.api_key}"},
                trust_env=False,
                timeout=httpx2.Timeout(MOST * self.deadlines.total, connect=connect, pool=connect),
                limits=httpx2.Limits(keepalive_expiry=4),
            )
        return self._clients[loop]

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncGenerator[str, None]:
        """Yield pieces of text as they are generated. Closing the iterator ends the request."""
        self.breaker.check(self.url)
        self.under_way += 1
        try:
            request = Request(self, messages, max_tokens, usage or Usage())
            async with aclosing(self._pieces(request)) as pieces:
                async for piece in pieces:
                    self.breaker.failures = 0
                    yield piece
        except (ServerUnreachable, DeadlineExceeded):
            self.breaker.failures += 1
            raise
        finally:
            self.under_way -= 1

    def patience(self, messages: ChatMessages) -> float:
        """Return how many seconds it may take to begin an answer, by its recent pace."""
        load = characters(messages) * max(1, self.under_way)
        return self.pace.allowed(self.deadlines, load, 1).first_token

    async def models(self) -> list[str]:
        """Return the names of the models that it serves; none if it does not list them.

        GenerationError if it does not answer within the deadline `connect`.
        """
        try:
            async with asyncio.timeout(self.deadlines.connect):
                answer = await self._client.get(f"{self.url}/models")
        except (TimeoutError, httpx2.HTTPError) as error:
            raise ServerUnreachable(f"{self.url} cannot be reached: {error!r}.") from error
        if answer.status_code != 200:
            raise refusal(self.url, answer, answer.content[:REFUSAL])
        try:
            return [model["id"] for model in answer.json()["data"]]
        except (ValueError, KeyError, TypeError):
            return []

    async def _pieces(self, request: "Request") -> AsyncGenerator[str, None]:
        answer = None
        try:
            answer = await self._first(request)
            lines = answer.aiter_lines()
            while (chunk := await self._next(lines, request)) is not None:
                if counted := chunk.get("usage"):
                    request.usage.count(counted)
                if text := text_of(chunk):
                    request.note_progress()
                    request.usage.count_piece(request.seconds)
                    yield text
        except DeadlineExceeded:
            # Counts for the pace only if the server still answers: one that hangs has no pace.
            with suppress(ServerUnreachable):
                await self.models()
                request.note_progress()
            raise
        finally:
            request.done()
            if answer:
                await answer.aclose()

    async def _first(self, request: "Request") -> httpx2.Response:
        """Open the stream. One retry, because a server may just close an idle connection."""
        try:
            return await self._open(request)
        except ServerUnreachable:
            if request.seconds > self.deadlines.connect:
                raise
            return await self._open(request)

    async def _open(self, asked: "Request") -> httpx2.Response:
        body = {
            "model": self.model,
            "messages": asked.messages,
            "max_tokens": asked.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        request = self._client.build_request("POST", f"{self.url}/chat/completions", json=body)
        try:
            async with asyncio.timeout(asked.patience()):
                answer = await self._client.send(request, stream=True)
                if answer.status_code != 200:
                    raise refusal(self.url, answer, (await answer.aread())[:REFUSAL])
                return answer
        except httpx2.ConnectTimeout as error:
            raise ServerUnreachable(f"{self.url} does not accept connections.") from error
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise DeadlineExceeded(f"{self.url} did not answer in time.") from error
        except httpx2.HTTPError as error:
            raise ServerUnreachable(f"{self.url} cannot be reached: {error}.") from error

    async def _next(self, lines: AsyncIterator[str], asked: "Request") -> Any:
        """Return the next chunk, or None at the end."""
        try:
            async with asyncio.timeout(asked.patience()):
                chunk = await chunk_of(lines)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{self.url} stopped in the middle of an answer.") from error
        except (httpx2.HTTPError, ValueError) as error:
            raise ServerUnreachable(f"{self.url} broke off its answer: {error}.") from error
        if chunk and "error" in chunk:
            raise failure(self.url, chunk["error"])
        return chunk


class Request:
    """A request that is under way: how long it may take, and how long it has taken."""

    def __init__(
        self, generator: Generator, messages: ChatMessages, max_tokens: int, usage: Usage
    ) -> None:
        self.messages, self.max_tokens, self.usage = messages, max_tokens, usage
        self.pace, self.clock = generator.pace, generator.clock
        self.load = characters(messages) * generator.under_way
        self.allowed = self.pace.allowed(generator.deadlines, self.load, max_tokens)
        self.started = self.clock()
        # When the first and the last token so far came.
        self.first: float | None = None
        self.last: float | None = None
        self.longest_gap = 0.0

    @property
    def seconds(self) -> float:
        return self.clock() - self.started

    def patience(self) -> float:
        """Return how many seconds the next token may take."""
        wait = self.allowed.first_token if self.last is None else self.allowed.next_token
        return min(wait, self.allowed.total - self.seconds)

    def note_progress(self) -> None:
        now = self.clock()
        if self.first is None or self.last is None:
            self.first = now
        else:
            self.longest_gap = max(self.longest_gap, now - self.last)
        self.last = now

    def done(self) -> None:
        if self.first is not None:
            self.pace.read(self.first - self.started, self.load, self.usage.fresh)
        if self.longest_gap:
            self.pace.wrote(self.longest_gap)


def characters(messages: ChatMessages) -> int:
    return sum(len(message["content"]) for message in messages)


async def chunk_of(lines: AsyncIterator[str]) -> dict[str, Any] | None:
    """Return the next server-sent event, None at the end. ValueError if it is missing or broken."""
    async for line in lines:
        if not line.startswith("data:"):
            continue
        if (data := line[5:].strip()) == "[DONE]":
            return None
        chunk: dict[str, Any] = json.loads(data)
        return chunk
    raise ValueError("the stream was cut off")


def text_of(chunk: dict[str, Any]) -> str:
    choices = chunk.get("choices")
    return choices[0]["delta"].get("content") or "" if choices else ""


def refusal(url: str, answer: httpx2.Response, body: bytes) -> GenerationError:
    if answer.status_code in BUSY:
        after = answer.headers.get("retry-after", "")
        return ServerBusy(f"{url} is busy.", float(after) if after.isdigit() else None)
    text = body.decode(errors="replace")
    return ServerUnreachable(f"{url} answered with status {answer.status_code}: {text}")


def failure(url: str, error: Any) -> GenerationError:
    """Return the error for one inside the stream, by which vLLM refuses when its queue is full."""
    if isinstance(error, dict) and error.get("code") in BUSY:
        return ServerBusy(f"{url} is busy.", None)
    return ServerUnreachable(f"{url} broke off its answer: {str(error)[:REFUSAL]}.")
