"""One tier, several servers: the least busy one that is well answers."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from inference.generation.client import GenerationError, ServerBusy, ServerUnreachable
from inference.generation.tier import Server, Tier

GONE = ServerUnreachable("gone")


class Fake:
    model = "fake"

    def __init__(self, says: str = "", error: GenerationError | None = None) -> None:
        self.says, self.error = says, error
        self.asked = 0
        self.served = ["fake"]

    async def stream(self, *_: Any, **__: Any) -> AsyncIterator[str]:
        self.asked += 1
        if self.says:
            yield self.says
        if self.error:
            raise self.error

    async def models(self) -> list[str]:
        if self.error:
            raise self.error
        return self.served


def tier_of(*fakes: Fake) -> Tier:
    return Tier("small", [Server(fake) for fake in fakes])  # type: ignore[arg-type]


async def said(tier: Tier) -> list[str]:
    return [piece async for piece in tier.stream([], 10)]


@pytest.mark.anyio
@pytest.mark.parametrize("error", [GONE, ServerBusy("busy", None)])
async def test_another_server_answers_where_the_first_cannot(error: GenerationError) -> None:
    assert await said(tier_of(Fake(error=error), Fake("Hello."))) == ["Hello."]


@pytest.mark.anyio
async def test_nobody_goes_on_with_what_another_has_begun() -> None:
    broken, other = Fake("Hel", GONE), Fake("Hello.")
    with pytest.raises(ServerUnreachable):
        await said(tier_of(broken, other))
    assert other.asked == 0


@pytest.mark.anyio
async def test_where_all_are_gone_the_last_error_is_told() -> None:
    with pytest.raises(ServerUnreachable):
        await said(tier_of(Fake(error=GONE), Fake(error=GONE)))


@pytest.mark.anyio
async def test_the_one_with_the_fewest_requests_is_asked() -> None:
    tier = tier_of(Fake("a"), Fake("b"))
    first = tier.stream([], 10)
    assert await anext(first) == "a"
    assert await said(tier) == ["b"]
    await first.aclose()
    assert [server.outstanding for server in tier.servers] == [0, 0]


@pytest.mark.anyio
async def test_an_ill_server_is_asked_last_and_comes_back() -> None:
    hung, well = Fake("a", GONE), Fake("b")
    tier = tier_of(hung, well)
    await tier.servers[0].examine(thoroughly=False)
    assert tier.servers[0].illness == "gone"
    assert await said(tier) == ["b"]
    hung.error = None
    await tier.servers[0].examine(thoroughly=False)
    assert tier.servers[0].illness == ""


@pytest.mark.anyio
async def test_a_server_that_does_not_list_the_model_shows_whether_it_answers_to_its_name() -> None:
    unlisted = Fake("a")
    unlisted.served = ["/models/llama.gguf"]
    server = tier_of(unlisted).servers[0]
    await server.examine(thoroughly=False)
    assert (server.illness, unlisted.asked) == ("", 1)
    unlisted.stream = Fake(error=ServerUnreachable("no such model")).stream  # type: ignore[method-assign]
    await server.examine(thoroughly=False)
    assert server.illness == "no such model"
