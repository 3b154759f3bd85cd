"""The prompt of the language model. It is short, because on a CPU each new token costs about 5 ms.

The rules come first and never change, so that the server's prefix cache holds them.
"""

from collections.abc import Sequence

from chatbot.reply.found import Line
from inference.generation.client import ChatMessages
from inference.grounding.injection import plain
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
HISTORY_TURNS = 4
HISTORY_CHARACTERS = 200
# Tokens of one title.
TITLE_TOKENS = 60
# Upper bounds, whatever the tokenizer. With the examples (560), the marks of the template (100) and
# the answer, they stay below the 4,096 tokens that the model's servers are started with.
RECORDS_TOKENS, QUESTION_TOKENS, HISTORY_TOKENS = 1_500, 900, 600
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


def question_with_records(records: str, question: str) -> str:
    return f"RECORDS\n{records}\n\nQUESTION: {question}"


BEGINNING: ChatMessages = [{"role": "system", "content": RULES}]
for _records, _question, _answer in EXAMPLES:
    BEGINNING += [
        {"role": "user", "content": question_with_records(_records, _question)},
        {"role": "assistant", "content": _answer},
    ]


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


def records(lines: Sequence[Line]) -> list[str]:
    """Write the best lines as one block for each record, the best record first."""
    room, blocks = ROOM_WORDS, dict[str, list[Line]]()
    for line in lines[:LINES]:
        if not blocks or words(line.text) <= room:
            blocks.setdefault(line.hit.record, []).append(line)
            room -= words(line.text)
    return [block(kept) for kept in blocks.values()]


def block(kept: list[Line]) -> str:
    """Write the lines of a record, those of one passage together and in their order."""
    in_order = sorted(kept, key=lambda line: (line.hit.text, line.place))
    title = cut(kept[0].hit.title, TITLE_TOKENS)
    return "\n".join([f"[{title}]", *(line.text for line in in_order)])
