"""One tier of the language model: servers of one model, of which the least busy one answers."""

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
    # Requests that it has not finished.
    outstanding: int = 0
    # Why others are asked before it, in words; "" when it is well.
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
        """Whether it is there and has the model; thoroughly, or where there is a doubt: whether it
        writes a token, since an engine that hangs still answers everything else."""
        try:
            served = await self.generator.models()
            # llama.cpp lists a file's path, and answers to any name.
            if thoroughly or self.illness or self.generator.model not in served:
                await self.write_a_token()
            self.illness = ""
        except ServerBusy:
            self.illness = ""  # It is well enough to say so.
        except GenerationError as error:
            self.illness = str(error)

    async def write_a_token(self) -> None:
        async with aclosing(self.generator.stream(PROBE, max_tokens=1)) as pieces:
            async for _ in pieces:
                return


@dataclass(eq=False)
class Pool:
    name: str
    servers: Sequence[Server]
    # It answers what is at least so difficult, 0 to 1.
    from_difficulty: float = 0.0

    @property
    def model(self) -> str:
        return self.servers[0].generator.model

    async def stream(
        self, messages: ChatMessages, max_tokens: int, usage: Usage | None = None
    ) -> AsyncGenerator[str, None]:
        """As a Generator's. The next server is asked only while nothing has been said: what
        another one says would be another answer."""
        usage = usage or Usage()
        for server in (servers := self.in_turn()):
            said = False
            try:
                async with aclosing(server.stream(messages, max_tokens, usage)) as pieces:
                    async for piece in pieces:
                        said = True
                        yield piece
                return
            except (ServerUnreachable, ServerBusy):
                if said or server is servers[-1]:
                    raise

    def in_turn(self) -> list[Server]:
        return sorted(self.servers, key=lambda server: (bool(server.illness), server.outstanding))
