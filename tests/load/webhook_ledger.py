"""The audit of events: what each side was promised against what the database holds and did.

Triggers write down every effect in the transaction that has it, so that what was done twice is
seen even where it makes no difference.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.load.receiver import Key, Ledger
from tests.load.sender import Event

WATCHED = """
CREATE TABLE effects (kind text, key text, version text);
CREATE FUNCTION note_record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO effects VALUES ('written', NEW.id, NEW.updated_at::text); RETURN NULL; END $$;
CREATE FUNCTION note_event() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO effects VALUES (NEW.state, NEW.event_id, ''); RETURN NULL; END $$;
CREATE TRIGGER written AFTER INSERT OR UPDATE ON crm_record
  FOR EACH ROW WHEN (NEW.kind = 'order') EXECUTE FUNCTION note_record();
CREATE TRIGGER applied AFTER UPDATE ON crm_inboundevent
  FOR EACH ROW WHEN (NEW.state IN ('applied', 'failed')) EXECUTE FUNCTION note_event();
"""
OPEN = """
SELECT (SELECT count(*) FROM crm_inboundevent WHERE state = 'received')
  + (SELECT count(*) FROM crm_delivery WHERE state IN ('pending', 'running'))
"""
MESSAGES = """
SELECT i.key, c.id::text, m.seq FROM chatbot_message m
JOIN chatbot_conversation c ON c.id = m.conversation_id
JOIN chatbot_visitor v ON v.id = c.visitor_id JOIN chatbot_inbox i ON i.id = v.inbox_id
WHERE i.key = ANY(%s)
"""
WAITED = "SELECT max(applied_at - received_at) FROM crm_inboundevent WHERE state = 'applied'"


@dataclass
class Audit:
    # Sentences for people; none means that every promise was kept.
    broken: list[str] = field(default_factory=list)

    def note(self, wrong: Any, text: str) -> None:
        if wrong:
            shown = f": {sorted(map(str, wrong))[:3]}" if isinstance(wrong, set | list) else ""
            self.broken.append(f"{text}{shown}")


def watch(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(WATCHED)


def still_open(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(OPEN).fetchone()
    return row[0] if row else 0


def inbound(sent: list[Event], database: str) -> Audit:
    found = Audit()
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT event_id, state FROM crm_inboundevent").fetchall()
        effects = Counter(connection.execute("SELECT kind, key, version FROM effects").fetchall())
        titles = dict(connection.execute("SELECT id, title FROM crm_record").fetchall())
    states, good = dict(rows), {one.id for one in sent if one.type == "record.upserted"}
    kept = {one.id for one in sent if one.promised}
    found.note(kept - states.keys(), "events were answered with 202 and lost")
    found.note({one.id for one in sent} - kept, "events were never accepted")
    found.note([a for one in sent for a in one.answers if a[0].isdigit()], "events were refused")
    found.note(len(rows) != len(states), "an event is kept twice")
    found.note({id for id in kept & good if states.get(id) != "applied"}, "not applied")
    found.note({id for id in kept - good if states.get(id) != "failed"}, "poison was not set aside")
    doubled = {row for row, count in effects.items() if count > 1}
    found.note(doubled, "had their effect twice")
    undone = {id for id in kept & good if effects["applied", id, ""] != 1}
    found.note(undone, "were not applied exactly once")
    records = {one.data["id"] for one in sent if one.id in good and one.data["fields"]["version"]}
    old = {id for id in records if not titles.get(id, "").endswith("version 1")}
    found.note(old, "records are not as the newest change says")
    return found


def outbound(ledgers: dict[str, Ledger], committed: set[Key], database: str) -> Audit:
    """Endpoints are named by the inbox that they hear of."""
    found = Audit()
    with psycopg.connect(database) as connection:
        inboxes = [name.partition("-")[0] for name in ledgers]
        rows = connection.execute(MESSAGES, [inboxes]).fetchall()
    found.note(committed - {(id, seq) for _, id, seq in rows}, "committed messages were lost")
    for name, ledger in ledgers.items():
        wanted = {(id, seq) for inbox, id, seq in rows if inbox == name.partition("-")[0]}
        compare(name, ledger, wanted, found)
    return found


def compare(name: str, ledger: Ledger, wanted: set[Key], found: Audit) -> None:
    effects = Counter(ledger.taken.values())
    found.note(wanted - effects.keys(), f"{name}: events never arrived")
    found.note(effects.keys() - wanted, f"{name}: events arrived that never happened")
    doubled = {key for key, count in effects.items() if count > 1}
    found.note(doubled, f"{name}: had their effect twice")
    found.note({k for k, ids in ledger.ids.items() if len(ids) > 1}, f"{name}: ids have changed")
    found.note(ledger.unsigned, f"{name}: {ledger.unsigned} requests did not verify")
    found.note(name.endswith("-ordered") and ledger.early, f"{name}: came before their turn")


def longest_wait(database: str) -> float:
    """Seconds from the answer to the effect."""
    with psycopg.connect(database) as connection:
        row = connection.execute(WAITED).fetchone()
    return row[0].total_seconds() if row and row[0] else 0.0
