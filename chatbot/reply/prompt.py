"""The prompt of the language model. It is short, because on a CPU each new token costs about 5 ms.

The rules come first and never change, so that the server's prefix cache holds them.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from chatbot.reply.found import Line
from inference.generation.client import ChatMessages
from inference.grounding import rules
from inference.grounding.injection import plain
from inference.grounding.rules import bare
from inference.length import cut, words

NOT_ON_RECORD = "NOT ON RECORD"
RULES = f"""You are the friendly support assistant of a company and talk to its customer.
Answer the QUESTION from the RECORDS in one or two short, complete sentences.
Copy names, numbers and dates in full, exactly as they stand there.
Do not calculate, guess or promise.
If the RECORDS do not hold the answer, write only: {NOT_ON_RECORD}"""
# A small model follows examples better than rules. They come before everything that changes, so
# that they cost nothing after the first request.
EXAMPLES = [
    (
        "[Invoice 771]\nInvoice date: 3 May 2021\nPaid: yes\nDispatched: 6 May 2021"
        "\nCourier: Northline",
        "Has it left yet, and who brings it?",
        "Yes, it was sent on 6 May 2021. Northline delivers it.",
    ),
    (
        "[Garden hose]\nPrice: 24.90\nSold as: 2 rolls of 15 m\nIn stock: 8",
        "is there a discount for students",
        NOT_ON_RECORD,
    ),
    (
        "[Garden hose]\nPrice: 24.90\nSold as: 2 rolls of 15 m\nIn stock: 8",
        "do you have the garden hose, and how is it sold?",
        "Yes, there are 8 in stock. It is sold as 2 rolls of 15 m.",
    ),
    (
        "[Booking 58]\nStatus: confirmed\nStart: 2 June 2021\n"
        "Item: Kayak, quantity 2, unit price 31.00\nItem: Paddle, quantity 4, unit price 6.50",
        "any news on booking 58? how many paddles is that",
        "Booking 58 is confirmed and starts on 2 June 2021. You booked 4 paddles.",
    ),
]
MAX_TOKENS = 110
# Lines of one prompt, and their words: the answer is among the first three lines for 0.86 of the
# questions that have one (docs/measured.md).
LINES, ROOM_WORDS = 8, 150
# Records that were read ahead stay in the prompt if they hold this share of the chosen lines. Of
# the other lines, only the first few are added, and all of this may have at most so many words. In
# 29 questions to the model about two companies, typed word by word, 114 characters of records are
# left to read on average (median 0) instead of 703, and the answer is in the prompt as often (25 of
# 26); with a share of 0.7 it is 197 characters, and with all lines added 151 (2026-11-29).
AHEAD_SHARE, AHEAD_ADDS, AHEAD_WORDS = 0.5, 4, 250
HISTORY_TURNS = 4
HISTORY_CHARACTERS = 200
# Tokens of one title.
TITLE_TOKENS = 60
# Upper bounds, whatever the tokenizer. With the examples (560), the marks of the template (100) and
# the answer, they stay below the 4,096 tokens that the model's servers are started with.
RECORDS_TOKENS, QUESTION_TOKENS, HISTORY_TOKENS = 1_500, 900, 600
# Characters that are read ahead at a time, some 50 tokens, so that a reply waits for a second at
# most. A last piece below LEAST_PIECE, some 10 tokens, is left to the reply, which would otherwise
# have to wait for it as long.
PIECE, LEAST_PIECE = 200, 40
CUT = re.compile(r"\s|\Z")
# Words around a question that is repeated: "The question is …".
FILLING = rules.FILLING | {"question", "customer", "asked", "asks"}
COLLEAGUE = "(Your colleague answered me here:)"


def messages(question: str, records: list[str], history: list[tuple[str, str]]) -> ChatMessages:
    return [
        *BEGINNING,
        *(chat_message(author, shortened(text)) for author, text in history[-HISTORY_TURNS:]),
        {
            "role": "user",
            "content": question_with_records(
                cut(plain("\n\n".join(records)), RECORDS_TOKENS),
                cut(plain(question), QUESTION_TOKENS),
            ),
        },
    ]


def beginning(prompt: ChatMessages) -> ChatMessages:
    """Return the part of a prompt that is known before the question."""
    *before, last = prompt
    return [*before, {**last, "content": last["content"].split("\n")[0]}]


def pieces(prompt: ChatMessages, read: ChatMessages) -> Iterator[ChatMessages]:
    """Yield growing beginnings of a prompt. read: the last of them that the engine has read.

    They end in a message of the user, before a space, where a new token begins. The chat template
    closes the message there, but the tokens before it are the same, and a prefix cache finds them.
    """
    known, before = in_common(prompt, read), 0
    for number, message in enumerate(prompt):
        content = message["content"]
        spaces = CUT.finditer(content) if message["role"] == "user" else []
        for end in (space.start() for space in spaces):
            is_whole = number == len(prompt) - 1 and end == len(content)
            if before + end - known >= (LEAST_PIECE if is_whole else PIECE):
                yield [*prompt[:number], {**message, "content": content[:end]}]
                known = before + end
        before += len(content)


def in_common(one: ChatMessages, other: ChatMessages) -> int:
    """Return how many characters two prompts share at their beginning."""
    same = 0
    for a, b in zip(one, other, strict=False):
        if a["role"] != b["role"]:
            break
        letters = zip(a["content"], b["content"], strict=False)
        same += sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], letters))
        if a != b:
            break
    return same


def question_with_records(records: str, question: str) -> str:
    return f"RECORDS\n{records}\n\nQUESTION: {question}"


BEGINNING: ChatMessages = [{"role": "system", "content": RULES}]
for _records, _question, _answer in EXAMPLES:
    BEGINNING += [
        {"role": "user", "content": question_with_records(_records, _question)},
        {"role": "assistant", "content": _answer},
    ]


def echoes(sentence: str, question: str) -> bool:
    """Tell whether a sentence only repeats one of the rules, or the question word for word."""
    said, asked = bare(sentence), bare(question).rstrip("?")
    if said in map(bare, RULES.split("\n")):
        return True
    around = re.findall(r"\w+", said.replace(asked, " ", 1))
    return bool(asked) and asked in said and FILLING.issuperset(around)


def chat_message(author: str, text: str) -> dict[str, str]:
    """Present an agent's message as reported by the customer, so that the model neither takes it
    for its own nor imitates it."""
    if author == "agent":
        return {"role": "user", "content": f"{COLLEAGUE} {text}"}
    return {"role": "user" if author == "customer" else "assistant", "content": text}


def shortened(text: str) -> str:
    if len(text) > HISTORY_CHARACTERS:
        text = f"{text[:HISTORY_CHARACTERS]}…"
    return cut(plain(text), HISTORY_TOKENS // HISTORY_TURNS)


def records(lines: Sequence[Line], ahead: Sequence[str] = ()) -> list[str]:
    """Write the best lines as one block for each record, the best record first.

    ahead: the blocks that the engine has read for what the customer had typed until then. If they
    hold most of these lines, they come first and unchanged, so that only the rest must be read.
    """
    chosen = within_room(lines)
    kept = [one for one in ahead if any(holds(one, line) for line in chosen)]
    kept = list(ahead[: ahead.index(kept[-1]) + 1]) if kept else []
    missing = [line for line in chosen if not any(holds(one, line) for one in kept)]
    added = blocks([line for line in missing if line in chosen[:AHEAD_ADDS]])
    if (
        len(missing) > (1 - AHEAD_SHARE) * len(chosen)
        or sum(map(words, [*kept, *added])) > AHEAD_WORDS
    ):
        return blocks(chosen)
    return [*kept, *added]


def within_room(lines: Sequence[Line]) -> list[Line]:
    room, chosen = ROOM_WORDS, list[Line]()
    for line in lines[:LINES]:
        if not chosen or words(line.text) <= room:
            chosen.append(line)
            room -= words(line.text)
    return chosen


def blocks(lines: Sequence[Line]) -> list[str]:
    kept = dict[str, list[Line]]()
    for line in lines:
        kept.setdefault(line.hit.record, []).append(line)
    return [block(of_record) for of_record in kept.values()]


def holds(written: str, line: Line) -> bool:
    """Tell whether a block has the line. Records with the same title differ in their lines."""
    return written.startswith(f"{heading(line)}\n") and f"\n{line.text}\n" in f"{written}\n"


def heading(line: Line) -> str:
    return f"[{cut(line.hit.title, TITLE_TOKENS)}]"


def block(kept: list[Line]) -> str:
    """Write the lines of a record, those of one passage together and in their order."""
    in_order = sorted(kept, key=lambda line: (line.hit.text, line.place))
    return "\n".join([heading(kept[0]), *(line.text for line in in_order)])
