"""A model server of fixed speed, as a process of its own: `python -m tests.load.stub_slm PORT`.

It speaks as much of the OpenAI chat API as a chat needs. Its first token is a whole first sentence,
told from the records in the prompt, so that its time to first token and to its first sentence are
one; `GET /running` says how many answers it is writing.
"""

import argparse
import asyncio
import json
import re
from typing import Any

FIRST_TOKEN, NEXT_TOKEN, TOKENS = 0.2, 0.02, 10
LINE = re.compile(r"^(?P<label>[A-Z][\w ]{2,40}): (?P<value>[^,\n]{2,80})$", re.MULTILINE)
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"


class Stub:
    def __init__(self, first_token: float, next_token: float) -> None:
        self.first_token, self.next_token = first_token, next_token
        self.running = self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            if head.startswith("POST"):
                await self.answer(json.loads(body), reader, writer)
            else:
                writer.write(HEAD.format("application/json").encode())
                known = {"status": "ok", "running": self.running, "data": [{"id": "slm"}]}
                writer.write(json.dumps(known).encode())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client has gone.
        finally:
            writer.close()

    async def answer(
        self, asked: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.running += 1
        self.asked += 1
        gone = asyncio.create_task(reader.read())
        try:
            writer.write(HEAD.format("text/event-stream").encode())
            await asyncio.wait([gone], timeout=self.first_token)
            for number, token in enumerate(tokens(asked["messages"])):
                if number:
                    await asyncio.wait([gone], timeout=self.next_token)
                if gone.done():
                    return
                writer.write(event(token))
                await writer.drain()
            writer.write(b"data: [DONE]\n\n")
        finally:
            gone.cancel()
            self.running -= 1


def tokens(messages: list[dict[str, str]]) -> list[str]:
    """A sentence from the last prompt's records in one piece, then some words one by one."""
    found = LINE.search(messages[-1]["content"])
    first = f"The {found['label'].lower()} is {found['value']}." if found else "It is on record."
    return [f"{first}\n", *["NOT", " ON", " RECORD"], *["."] * (TOKENS - 4)]


def event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    return f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n".encode()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--first-token", type=float, default=FIRST_TOKEN)
    parser.add_argument("--next-token", type=float, default=NEXT_TOKEN)
    options = parser.parse_args()
    stub = Stub(options.first_token, options.next_token)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", options.port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
