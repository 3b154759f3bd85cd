"""A model server of fixed speed, as a process of its own: `python -m tests.load.stub_slm PORT`.

It speaks as much of the OpenAI chat API as a chat needs, and answers from the records in the
prompt: with the line that shares most words with the question, or by saying that nothing is on
record. Each sentence has as many tokens as every other one, so the first one ends at a known time
(`until`). `--unsupported 10` makes it invent a figure in one of ten answers; the same question
always gets the same answer. `GET /running` says how many answers it is writing.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any
from zlib import crc32

from inference.grounding import stems
from inference.lines import is_prose

FIRST_TOKEN, NEXT_TOKEN = 0.2, 0.02
# Tokens of a sentence, and by default of an answer.
SENTENCE = 12
# Connections are kept, as vLLM keeps them.
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nCache-Control: no-store\r\n"
    "Transfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
NOTHING = "NOT ON RECORD"
# The answer to a prompt without records.
WITHOUT_RECORDS = "Thank you for your question, which I am glad to answer."


@dataclass
class Speed:
    """The stub's speed, in seconds."""

    first_token: float = FIRST_TOKEN
    next_token: float = NEXT_TOKEN

    def until(self, token: int) -> float:
        return self.first_token + (token - 1) * self.next_token


class Stub:
    def __init__(
        self,
        first_token: float,
        next_token: float,
        tokens: int = SENTENCE,
        unsupported: int = 0,
    ) -> None:
        """unsupported: the share of answers with an invented figure, in per cent."""
        self.speed = Speed(first_token, next_token)
        self.tokens, self.unsupported = tokens, unsupported
        self.running = self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Suppressed, since clients leave when they like.
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                if head.startswith("POST"):
                    await self.answer(json.loads(body), reader, writer)
                else:
                    writer.write(HEAD.format("application/json").encode())
                    known = {"status": "ok", "running": self.running, "data": [{"id": "slm"}]}
                    writer.write(chunk(json.dumps(known).encode()))
                writer.write(END)
                await writer.drain()
        writer.close()

    async def answer(
        self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.running += 1
        self.asked += 1
        gone = asyncio.create_task(reader.read(1))
        try:
            writer.write(HEAD.format("text/event-stream").encode())
            said = sentences(asked["messages"][-1]["content"], self.unsupported)
            wait = self.speed.first_token
            for token in islice(tokens(said), self.tokens):
                await asyncio.wait([gone], timeout=wait)
                if gone.done():
                    raise ConnectionError
                writer.write(event(token))
                await writer.drain()
                wait = self.speed.next_token
            writer.write(chunk(b"data: [DONE]\n\n"))
        finally:
            self.running -= 1
            gone.cancel()
            # Until this task has ended, nobody else may read.
            await asyncio.wait([gone])


def sentences(prompt: str, unsupported: int = 0) -> list[str]:
    """Return right sentences about the records of a prompt, the best one first. unsupported: the
    per cent of questions for which a wrong one comes before them."""
    records, mark, question = prompt.rpartition("\n\nQUESTION: ")
    if not mark:
        return [WITHOUT_RECORDS]
    lines = by_nearness(question, records)
    if not lines:
        return [NOTHING]
    said = [as_sentence(line) for line in lines]
    return [invented(question), *said] if crc32(question.encode()) % 100 < unsupported else said


def by_nearness(question: str, records: str) -> list[str]:
    """Return the lines of the records, first those that share most words with the question; none if
    no line shares any."""
    wanted, found = stems(question), list[tuple[int, str]]()
    for block in records.removeprefix("RECORDS\n").split("\n\n"):
        title, *lines = block.split("\n")
        beyond_title = wanted - stems(title)
        found += [(len(beyond_title & stems(line)), line) for line in lines]
    found.sort(key=lambda one: -one[0])
    return [line for _, line in found] if found and found[0][0] else []


def as_sentence(line: str) -> str:
    label, colon, value = line.partition(": ")
    return line if is_prose(line) or not colon else f"The {label.lower()} is {value}."


def invented(question: str) -> str:
    return f"It costs {crc32(question.encode()) % 9_000 + 1_000}.77 euros."


def tokens(said: Sequence[str]) -> Iterator[str]:
    """Cut each sentence into SENTENCE pieces."""
    for sentence in said:
        text = f"{sentence}\n"
        for place in range(SENTENCE):
            yield text[place * len(text) // SENTENCE : (place + 1) * len(text) // SENTENCE]


def event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    made = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    return chunk(f"data: {json.dumps(made | {'choices': [choice]})}\n\n".encode())


def chunk(data: bytes) -> bytes:
    """Write data in HTTP's chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--first-token", type=float, default=FIRST_TOKEN)
    parser.add_argument("--next-token", type=float, default=NEXT_TOKEN)
    parser.add_argument("--tokens", type=int, default=SENTENCE, help="of an answer, at most")
    parser.add_argument("--unsupported", type=int, default=0, help="per cent of the answers")
    options = parser.parse_args()
    stub = Stub(options.first_token, options.next_token, options.tokens, options.unsupported)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", options.port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
