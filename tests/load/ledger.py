"""The audit: what clients were promised against what the database holds."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.load.swarm import Client

OPEN_REPLIES = """
SELECT count(*) FROM chatbot_reply r WHERE status IN ('pending', 'running')
"""
UNANSWERED = """
SELECT r.id FROM chatbot_reply r JOIN chatbot_conversation c ON c.id = r.conversation_id
WHERE (r.status = 'done' AND r.answer_id IS NULL) OR r.status IN ('pending', 'running', 'failed')
"""


@dataclass
class Audit:
    acknowledged: int = 0
    # Sentences for people; none means that every promise was kept.
    broken: list[str] = field(default_factory=list)

    def note(self, wrong: Any, text: str) -> None:
        if wrong:
            self.broken.append(text)


def behind(clients: list[Client], database: str) -> bool:
    """Whether a reply is still being made, or a client has not been shown all."""
    with psycopg.connect(database) as connection:
        row = connection.execute(OPEN_REPLIES).fetchone()
        query = "SELECT id::text, last_seq FROM chatbot_conversation"
        last = dict(connection.execute(query).fetchall())
    return bool(row and row[0]) or any(c.after < last.get(c.conversation, 0) for c in clients)


def audit(clients: list[Client], database: str) -> Audit:
    found = Audit()
    with psycopg.connect(database) as connection:
        for client in clients:
            compare(client, rows_of(connection, client.conversation), found)
        for (reply,) in connection.execute(UNANSWERED):
            found.note(True, f"reply {reply} was neither answered nor handed on")
    return found


def rows_of(connection: Any, conversation: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT seq, client_id, author, text, label FROM chatbot_message "
        "WHERE conversation_id = %s ORDER BY seq"
    )
    return list(connection.execute(query, [conversation]))


def compare(client: Client, rows: list[tuple[Any, ...]], found: Audit) -> None:
    name = client.conversation[:8]
    by_id = Counter(row[1] for row in rows if row[1])
    places = {row[1]: row[0] for row in rows if row[1]}
    for message in client.sent.values():
        if message.acknowledged.is_set():
            found.acknowledged += 1
            found.note(not by_id[message.id], f"{name}: message {message.id} was lost")
            found.note(by_id[message.id] > 1, f"{name}: message {message.id} stands twice")
            wrong = by_id[message.id] and places[message.id] != message.seq
            found.note(wrong, f"{name}: {message.id} was acknowledged under another number")
    numbers = [row[0] for row in rows]
    found.note(numbers != list(range(1, len(rows) + 1)), f"{name}: numbers {numbers} have a gap")
    unscored = [row[0] for row in rows if row[2] == "customer" and not row[4]]
    found.note(unscored, f"{name}: messages {unscored} have no sentiment")
    stored = {row[0]: (row[2], row[3]) for row in rows}
    shown = {seq: (frame["author"], frame["text"]) for seq, frame in client.seen.items()}
    missing = sorted(stored.keys() - shown.keys())
    found.note(missing, f"{name}: the client was never shown {missing}")
    found.note(
        any(stored.get(seq) != one for seq, one in shown.items()),
        f"{name}: the client was shown something else than is stored",
    )
