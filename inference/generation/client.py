"""Streams answers from any server with the OpenAI chat API (llama.cpp, vLLM).

It speaks HTTP by itself, in `http.py`: an answer is one request and a line of JSON per token.

GenerationError
├── ServerBusy         429 or 503: try again after `retry_after`
├── ServerUnreachable  no connection, or no proper answer
│   └── ServerResting  it failed several times in a row and is not asked for a while
└── DeadlineExceeded   connected, but too slow
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from inference.generation.http import Broken, Connection, Connections
from inference.generation.pace import Deadlines, Pace

ChatMessages = list[dict[str, str]]
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


class Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta = Delta()


class Cached(msgspec.Struct):
    cached_tokens: int | None = None


class Counted(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: Cached | None = None


class Chunk(msgspec.Struct):
    """The fields of a server-sent event that are used."""

    choices: list[Choice] | None = None
    usage: Counted | None = None
    error: Any = None

    @property
    def text(self) -> str:
        return self.choices[0].delta.content or "" if self.choices else ""


class Model(msgspec.Struct):
    id: str


class Models(msgspec.Struct):
    data: list[Model]


CHUNK = msgspec.json.Decoder(Chunk)
# Matches a text without an escape and without a mark that may end a sentence, such as "." or "…".
# And how many pieces are looked at from a mark on, since only the text after it shows whether the
# sentence has ended.
PLAIN, AFTER_MARK = re.compile(rb'"content":\s*"[^".!?\\\xe2]*"'), 3


@dataclass
class Usage:
    prompt_tokens: int = 0
    completion_tokens: int = 0
    # Tokens of the prompt that the server's prefix cache held, if the server says so.
    cached_tokens: int = 0
    # Seconds after the request; None if no token came.
    first_token: float | None = None
    # None if it is not measured.
    joules: float | None = None

    @property
    def fresh(self) -> float:
        """Return the share of the prompt that the server had to read; 1 if the server does not
        say."""
        return 1 - self.cached_tokens / max(1, self.prompt_tokens)

    def count(self, counted: Counted) -> None:
        """Take over the server's counts."""
        self.prompt_tokens = counted.prompt_tokens
        self.completion_tokens = counted.completion_tokens
        details = counted.prompt_tokens_details
        self.cached_tokens = (details.cached_tokens if details else None) or 0

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
        self._of_loops: dict[asyncio.AbstractEventLoop, Connections] = {}

    @property
    def _connections(self) -> Connections:
        loop = asyncio.get_running_loop()
        if loop not in self._of_loops:
            # A connection refers to its loop, so neither is freed while it is kept here.
            for ended in [one for one in list(self._of_loops) if one.is_closed()]:
                self._of_loops.pop(ended, None)
            self._of_loops[loop] = Connections(self.url, self.api_key)
        return self._of_loops[loop]

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
        within = self.deadlines.connect
        answer = await self._ask("GET", "/models", None, within)
        try:
            with self._told("did not list its models"):
                body = await answer.whole(within)
            return [model.id for model in msgspec.json.decode(body, type=Models).data]
        except msgspec.MsgspecError:
            return []
        finally:
            self._connections.done(answer, ended=answer.complete)

    async def _pieces(self, request: "Request") -> AsyncGenerator[str, None]:
        answer, ended = None, False
        try:
            answer = await self._first(request)
            async with aclosing(self._chunks(answer, request)) as chunks:
                async for chunk in chunks:
                    if chunk.usage:
                        request.usage.count(chunk.usage)
                    if text := chunk.text:
                        request.note_progress()
                        request.usage.count_piece(request.seconds)
                        yield text
            ended = True
        except DeadlineExceeded:
            # Counts for the pace only if the server still answers: one that hangs has no pace.
            with suppress(ServerUnreachable, DeadlineExceeded):
                await self.models()
                request.note_progress()
            raise
        finally:
            request.done()
            if answer:
                self._connections.done(answer, ended)

    async def _first(self, request: "Request") -> Connection:
        """Open the stream. One retry, because a server may just close an idle connection."""
        try:
            return await self._open(request)
        except ServerUnreachable:
            if request.seconds > self.deadlines.connect:
                raise
            return await self._open(request)

    async def _open(self, asked: "Request") -> Connection:
        body = {
            "model": self.model,
            "messages": asked.messages,
            "max_tokens": asked.max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return await self._ask("POST", "/chat/completions", body, asked.patience())

    async def _ask(self, method: str, path: str, body: object, seconds: float) -> Connection:
        """Send a request, and return the connection once the head of a good answer has come."""
        answer = await self._sent(method, path, body)
        try:
            with self._told("did not answer"):
                await answer.head(seconds)
                if answer.status != 200:
                    raise refusal(self.url, answer, (await answer.whole(seconds))[:REFUSAL])
            return answer
        except BaseException:
            self._connections.done(answer, ended=answer.complete)
            raise

    async def _sent(self, method: str, path: str, body: object) -> Connection:
        try:
            return await self._connections.ask(method, path, body, self.deadlines.connect)
        except TimeoutError as error:
            raise ServerUnreachable(f"{self.url} does not accept connections.") from error
        except OSError as error:
            raise ServerUnreachable(f"{self.url} cannot be reached: {error}.") from error

    async def _chunks(self, answer: Connection, asked: "Request") -> AsyncGenerator[Chunk, None]:
        """Yield the chunks of the stream up to its end."""
        rest = b""
        with self._told("broke off its answer"):
            while data := await answer.read(asked.patience, asked.may_end_sentence):
                *lines, rest = (rest + data).split(b"\n")
                for event in filter(None, map(event_of, lines)):
                    if event == b"[DONE]":
                        return
                    chunk = CHUNK.decode(event)
                    if chunk.error:
                        raise failure(self.url, chunk.error)
                    yield chunk
            raise Broken("the stream was cut off")

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """Raise errors of the connection as errors of this module."""
        try:
            yield
        except TimeoutError as error:
            raise DeadlineExceeded(f"{self.url} {what} in time.") from error
        except (OSError, msgspec.MsgspecError) as error:
            raise ServerUnreachable(f"{self.url} {what}: {error}.") from error


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
        # Pieces that are still to be looked at since a mark came.
        self.looks = 0

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

    def may_end_sentence(self, body: bytes) -> bool:
        """Note what has come, and tell whether to wake the caller: for the first token, and for
        text that may end a sentence. Waking the caller for each token took most of an answer's
        CPU."""
        if self.first is None:
            return True
        self.note_progress()
        self.looks = AFTER_MARK if len(PLAIN.findall(body)) < body.count(b"data:") else self.looks
        self.looks -= 1
        return self.looks >= 0

    def done(self) -> None:
        if self.first is not None:
            self.pace.read(self.first - self.started, self.load, self.usage.fresh)
        if self.longest_gap:
            self.pace.wrote(self.longest_gap)


def characters(messages: ChatMessages) -> int:
    return sum(len(message["content"]) for message in messages)


def event_of(line: bytes) -> bytes:
    """Return the content of a line of server-sent events, or nothing."""
    return line[5:].strip() if line.startswith(b"data:") else b""


def refusal(url: str, answer: Connection, body: bytes) -> GenerationError:
    if answer.status in BUSY:
        after = answer.headers.get("retry-after", "")
        return ServerBusy(f"{url} is busy.", float(after) if after.isdigit() else None)
    text = body.decode(errors="replace")
    return ServerUnreachable(f"{url} answered with status {answer.status}: {text}")


def failure(url: str, error: Any) -> GenerationError:
    """Return the error for one inside the stream, by which vLLM refuses when its queue is full."""
    if isinstance(error, dict) and error.get("code") in BUSY:
        return ServerBusy(f"{url} is busy.", None)
    return ServerUnreachable(f"{url} broke off its answer: {str(error)[:REFUSAL]}.")
