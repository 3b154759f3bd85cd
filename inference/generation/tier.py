"""The servers of one tier: all have the same model, and the least busy one answers."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from inference.generation.client import (
    ChatMessages,
    GenerationError,
    Generator,
    ServerBusy,
    ServerUnreachable,
    Usage,
)
from inference.generation.meter import Meter, unmeasured

PROBE: ChatMessages = [{"role": "user", "content": "Say yes."}]


@dataclass(eq=False)
class Server:
    generator: Generator
    # Requests that it is working on.
    outstanding: int = 0
    # Why other servers are preferred; "" if it is well.
    illness: str = ""
    meter: Meter = field(default_factory=lambda: Meter(unmeasured))

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage
    ) -> AsyncGenerator[str, None]:
        self.outstanding += 1
        try:
            async with self.meter.request(usage) as share:
                pieces = self.generator.stream(messages, max_tokens, usage)
                async with aclosing(pieces):
                    async for piece in pieces:
                        self.meter.token(share)
                        yield piece
        finally:
            self.outstanding -= 1

    async def examine(self, thoroughly: bool) -> None:
        """Check that it answers and has the model.

        `thoroughly`, or in doubt, also that it writes a token: an engine that hangs still answers
        everything else.
        """
        try:
            served = await self.generator.models()
            # llama.cpp lists its file's path instead, and answers to any name.
            if thoroughly or self.illness or self.generator.model not in served:
                await self.write_a_token()
            self.illness = ""
        except ServerBusy:
            self.illness = ""  # It is well enough to answer so.
        except GenerationError as error:
            self.illness = str(error)

    async def write_a_token(self) -> None:
        async with aclosing(self.generator.stream(PROBE, max_tokens=1)) as pieces:
            async for _ in pieces:
                return


@dataclass(eq=False)
class Tier:
    name: str
    servers: Sequence[Server]
    # The least difficulty, from 0 to 1, of the turns that it answers.
    from_difficulty: float = 0.0

    @property
    def model(self) -> str:
        return self.servers[0].generator.model

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncGenerator[str, None]:
        """Stream as a Generator does. If a server fails, the next one is asked, but only while
        nothing has been yielded: another server would write another answer."""
        usage = usage or Usage()
        for server in (servers := self.by_preference()):
            begun = False
            try:
                async with aclosing(server.stream(messages, max_tokens, usage)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                return
            except (ServerUnreachable, ServerBusy):
                if begun or server is servers[-1]:
                    raise

    def patience(self, messages: ChatMessages) -> float:
        """Return how many seconds a turn may wait until one of the servers begins to answer."""
        return max(server.generator.patience(messages) for server in self.servers)

    def by_preference(self) -> list[Server]:
        return sorted(self.servers, key=lambda server: (bool(server.illness), server.outstanding))
