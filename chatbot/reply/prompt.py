"""The prompt of the language model. It is short, because on a CPU each new token costs about 5 ms.

The rules come first and never change, so that the server's prefix cache holds them.
"""

from collections.abc import Sequence

from crm.knowledge import wording
from crm.knowledge.search import Hit
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
# Words of the first record in one prompt, and of all others together.
FIRST_RECORD_WORDS = 160
OTHER_RECORDS_WORDS = 30
# Lines of one prompt: the nearest few lines of a record answer most questions.
LINES = 12
# The nearest lines keep the everyday words that explain their label.
EXPLAINED_LINES = 2
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


def trim(hits: list[Hit], relevance: Sequence[float]) -> list[str]:
    """Keep the most relevant lines, as one block for each record, in the order of the records.

    relevance: one number for each line of `lines_of(hits)`, in that order.
    """
    lines = lines_of(hits)
    best_first = sorted(range(len(lines)), key=lambda place: -relevance[place])
    room = {"first": FIRST_RECORD_WORDS, "others": OTHER_RECORDS_WORDS}
    kept: dict[int, tuple[str, str]] = {}
    for rank, position in enumerate(best_first[:LINES]):
        record, line = lines[position]
        text = line if rank < EXPLAINED_LINES else wording.plain_label(line)
        share = "first" if record == hits[0].record else "others"
        length = words(text)
        if not kept or length <= room[share]:
            kept[position] = record, text
            room[share] -= length
    return grouped(hits, [kept[position] for position in sorted(kept)])


def lines_of(hits: list[Hit]) -> list[tuple[str, str]]:
    """List (record, line) for every line except the titles."""
    return [(hit.record, line) for hit in hits for line in hit.text.split("\n")[1:] if line]


def grouped(hits: list[Hit], kept: list[tuple[str, str]]) -> list[str]:
    blocks = {hit.record: [f"[{cut(hit.title, TITLE_TOKENS)}]"] for hit in hits}
    for record, line in kept:
        blocks[record].append(line)
    return ["\n".join(block) for block in blocks.values() if len(block) > 1]
