"""The audit of the fault test sees what it is there to see."""

import json
from collections import defaultdict
from datetime import UTC, datetime

from crm import signing
from tests.load import sender, webhook_ledger
from tests.load.receiver import Ledger

SECRET = signing.new_secret()
WANTED = {("talk", 1), ("talk", 2)}


def event(seq: int, id: str, secret: str = SECRET) -> tuple[dict[str, str], str]:
    body = json.dumps({"data": {"conversation": {"id": "talk"}, "message": {"seq": seq}}})
    return signing.sign(id, datetime.now(UTC), body.encode(), [secret]), body


def audited(*received: tuple[dict[str, str], str]) -> list[str]:
    """What is broken where a receiver that never fails was sent these."""
    ledger, found = Ledger(SECRET), webhook_ledger.Audit()
    ledger.mood = lambda is_new: 200  # type: ignore[method-assign]
    for headers, body in received:
        ledger.receive(headers, body)
    webhook_ledger.compare("soak-ordered", ledger, WANTED, found)
    return [text.partition(": ")[2].partition(":")[0] for text in found.broken]


def test_all_well_is_all_well_however_often_it_comes() -> None:
    assert audited(event(1, "a"), event(2, "b"), event(1, "a")) == []


def test_what_is_missing_doubled_unsigned_or_early_is_said() -> None:
    assert audited(event(1, "a")) == ["events never arrived"]
    assert audited(event(1, "a"), event(2, "b"), event(3, "c")) == [
        "events arrived that never happened"
    ]
    twice = audited(event(1, "a"), event(2, "b"), event(2, "c"))
    assert twice == ["had their effect twice", "ids have changed"]
    unsigned = audited(event(1, "a"), event(2, "b"), event(2, "b", signing.new_secret()))
    assert unsigned == ["1 requests did not verify"]
    assert audited(event(2, "b"), event(1, "a")) == ["came before their turn"]


def test_the_sender_makes_two_changes_of_each_record_some_in_the_wrong_order() -> None:
    made = sender.events(200)
    changes = [one.data for one in made if one.type == "record.upserted"]
    assert len(made) == 200
    assert len({one.id for one in made}) == 200
    assert len({(data["id"], data["updated_at"]) for data in changes}) == 198
    orders = defaultdict(list)
    for data in changes:
        orders[data["id"]].append(data["fields"]["version"])
    assert set(map(tuple, orders.values())) == {(0, 1), (1, 0)}
