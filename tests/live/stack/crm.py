"""A CRM that sends a record: `python -m tests.live.stack.crm SOURCE`, with what add-source --json
printed. Prints the answer's status."""

import json
import sys
from datetime import UTC, datetime

import httpx2
from standardwebhooks import Webhook

RECORD = {
    "id": "order:81230",
    "kind": "order",
    "customer": "cust_1",
    "title": "Order 81230",
    "fields": {"status": "shipped", "carrier": "Atlantic Parcels", "tracking": "FHP26109999"},
    "updated_at": "2026-11-20T14:03:00Z",
}


def main(source: str) -> None:
    to, at = json.loads(source), datetime.now(UTC)
    event = {"type": "record.upserted", "timestamp": at.isoformat(), "data": RECORD}
    body = json.dumps(event)
    headers = {
        "content-type": "application/json",
        "webhook-id": "evt_stack_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(to["secret"]).sign("evt_stack_1", at, body),
    }
    # Its certificate is made for the test.
    with httpx2.Client(verify=False, trust_env=False, timeout=60) as client:
        print(client.post(to["url"], content=body, headers=headers).status_code)


if __name__ == "__main__":
    main(sys.argv[1])
