"""Attune's own dialect: Standard Webhooks, and records as `import_records` reads them."""

from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from crm.dialects import Change, IncomingWebhook, PayloadError, Refused, many, member
from crm.signing import ID, SIGNATURE, TIMESTAMP

TYPES = (
    "record.upserted",
    "record.deleted",
    "customer.merged",
    "customer.erased",
    "action.completed",
)


def verify(delivery: IncomingWebhook, secret: str) -> None:
    if not all(delivery.headers.get(name) for name in (ID, TIMESTAMP, SIGNATURE)):
        raise Refused("headers")
    try:
        Webhook(secret).verify(delivery.body, dict(delivery.headers), json_parse=False)
    except WebhookVerificationError as error:
        late = "timestamp" in str(error) or "Invalid" in str(error)
        raise Refused("timestamp" if late else "signature") from None
    except ValueError:
        # A signature that is not base64, or has no version.
        raise Refused("signature") from None


def event_id(body: Any, delivery: IncomingWebhook) -> str:
    return delivery.headers[ID]


def changes(body: Any, delivery: IncomingWebhook) -> list[Change]:
    kind = member(body, "type", str)
    if kind not in TYPES:
        raise PayloadError("type", f"must be one of {', '.join(TYPES)}")
    data = body.get("data")
    if isinstance(data, list):
        rows = [(row, f"data[{place}]") for place, row in enumerate(many(data))]
    else:
        rows = [(member(body, "data", dict), "data")]
    # A deletion may rely on the event's own time.
    at = {"updated_at": body["timestamp"]} if "timestamp" in body else {}
    return [Change(kind, at | named(row, where), where) for row, where in rows]


def named(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise PayloadError(where, "must be an object")
    return row
