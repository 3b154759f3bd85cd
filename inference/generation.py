"""Streaming answers from any server that speaks the OpenAI chat API (llama.cpp, vLLM).

Spoken here by hand, over httpx2: the openai package takes a third of a web process's time for
what is one request and a line of JSON for each token.

GenerationError
├── ServerBusy         429 or 503: try again after `retry_after`
├── ServerUnreachable  no connection, or an answer that is no answer
│   └── ServerResting  it failed several times in a row and is left alone for a while
└── DeadlineExceeded   connected, but too slow
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx2

ChatMessages = list[dict[str, str]]
# Failures in a row, and seconds.
BROKEN_AFTER, RESTS_FOR = 3, 5.0
# The statuses of a server that has too much to do.
BUSY = {429, 503}
# How much of a server's refusal is told.
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


@dataclass(frozen=True)
class Deadlines:
    """Seconds. `total` runs from the request to the last token."""

    connect: float = 2
    first_token: float = 20
    next_token: float = 10
    total: float = 60


@dataclass
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    # Seconds from the request on; None where none came.
    first_token: float | None = None
    # None where it is not measured.
    joules: float | None = None

    def heard(self, after: float) -> None:
        """A piece, which is a token or a few. The server says how many it were at the end, which
        who closes the stream before does not hear."""
        self.completion_tokens += 1
        if self.first_token is None:
            self.first_token = round(after, 4)


@dataclass
class Breaker:
    """After some failures in a row nothing is tried for a while, then one request at a time:
    customers need not wait for a deadline that will pass again."""

    failures: int = 0
    tries_again_at: float = 0.0

    def check(self, url: str) -> None:
        if self.failures >= BROKEN_AFTER and time.monotonic() < self.tries_again_at:
            raise ServerResting(f"{url} has failed {self.failures} times in a row.")
        # Whoever comes while this one tries is turned away.
        self.tries_again_at = time.monotonic() + RESTS_FOR


@dataclass
class Generator:
    """One model behind one URL. Sampling is greedy: the same records give the same answer."""

    url: str
    model: str
    api_key: str = "none"
    deadlines: Deadlines = field(default_factory=Deadlines)
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        timeout = httpx2.Timeout(
            self.deadlines.total, connect=self.deadlines.connect, pool=self.deadlines.connect
        )
        # No proxies from the environment and no redirects: requests go to the named host alone.
        self._client = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {self.api_key}"},
            trust_env=False,
            timeout=timeout,
            limits=httpx2.Limits(keepalive_expiry=4),
        )

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncGenerator[str, None]:
        """Pieces of text as they are generated. Closing the iterator ends the request."""
        started = time.monotonic()
        self.breaker.check(self.url)
        try:
            async with aclosing(self._pieces(messages, max_tokens, started, usage)) as pieces:
                async for piece in pieces:
                    self.breaker.failures = 0
                    yield piece
        except (ServerUnreachable, DeadlineExceeded):
            self.breaker.failures += 1
            raise

    async def models(self) -> list[str]:
        """The names of what it serves; none where it does not list them. GenerationError where it
        does not answer within `connect`."""
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

    async def _pieces(
        self, messages: ChatMessages, max_tokens: int, started: float, usage: Usage | None
    ) -> AsyncGenerator[str, None]:
        answer = await self._first(messages, max_tokens, started)
        lines = answer.aiter_lines()
        try:
            wait = self.deadlines.first_token
            while (chunk := await self._next(lines, wait, started)) is not None:
                if usage is not None and (counted := chunk.get("usage")):
                    usage.prompt_tokens = counted["prompt_tokens"]
                    usage.completion_tokens = counted["completion_tokens"]
                if text := said(chunk):
                    wait = self.deadlines.next_token
                    if usage is not None:
                        usage.heard(time.monotonic() - started)
                    yield text
        finally:
            await answer.aclose()

    async def _first(
        self, messages: ChatMessages, max_tokens: int, started: float
    ) -> httpx2.Response:
        """The open stream. One retry: servers close idle connections under a client's feet."""
        try:
            return await self._open(messages, max_tokens)
        except ServerUnreachable:
            if time.monotonic() - started > self.deadlines.connect:
                raise
            return await self._open(messages, max_tokens)

    async def _open(self, messages: ChatMessages, max_tokens: int) -> httpx2.Response:
        body = {
            "model": self.model,
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        request = self._client.build_request("POST", f"{self.url}/chat/completions", json=body)
        try:
            async with asyncio.timeout(self.deadlines.first_token):
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

    async def _next(self, lines: AsyncIterator[str], wait: float, started: float) -> Any:
        """The next chunk, or None at the end."""
        left = self.deadlines.total - (time.monotonic() - started)
        try:
            async with asyncio.timeout(min(wait, left)):
                chunk = await chunk_of(lines)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{self.url} stopped in the middle of an answer.") from error
        except (httpx2.HTTPError, ValueError) as error:
            raise ServerUnreachable(f"{self.url} broke off its answer: {error}.") from error
        if chunk and "error" in chunk:
            raise failure(self.url, chunk["error"])
        return chunk


async def chunk_of(lines: AsyncIterator[str]) -> dict[str, Any] | None:
    """The next server-sent event; None at the end. ValueError where there is none or no sense."""
    async for line in lines:
        if not line.startswith("data:"):
            continue
        if (data := line[5:].strip()) == "[DONE]":
            return None
        chunk: dict[str, Any] = json.loads(data)
        return chunk
    raise ValueError("it ended before its end")


def said(chunk: dict[str, Any]) -> str:
    choices = chunk.get("choices")
    return choices[0]["delta"].get("content") or "" if choices else ""


def refusal(url: str, answer: httpx2.Response, body: bytes) -> GenerationError:
    if answer.status_code in BUSY:
        after = answer.headers.get("retry-after", "")
        return ServerBusy(f"{url} is busy.", float(after) if after.isdigit() else None)
    text = body.decode(errors="replace")
    return ServerUnreachable(f"{url} answered with status {answer.status_code}: {text}")


def failure(url: str, error: Any) -> GenerationError:
    """An error inside the stream: with that vLLM refuses what its queue has no room for."""
    if isinstance(error, dict) and error.get("code") in BUSY:
        return ServerBusy(f"{url} is busy.", None)
    return ServerUnreachable(f"{url} broke off its answer: {str(error)[:REFUSAL]}.")
