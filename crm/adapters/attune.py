"""Attune's own: {"type": "record.upserted", "timestamp": …, "data": {record} or [records]},
signed by Standard Webhooks."""

from typing import Any

from crm.adapters import Change, SchemaError, objects
from crm.signing import verify

__all__ = ["changes", "verify"]


def changes(payload: Any, mapping: dict[str, Any]) -> list[Change]:
    if not isinstance(payload, dict):
        raise SchemaError("body", 'must be an object with "type" and "data"')
    type = payload.get("type")
    if not isinstance(type, str):
        raise SchemaError("type", "must be a string like record.upserted")
    at = payload.get("timestamp")
    return [Change(type, dated(row, at)) for row in objects(payload.get("data"))]


def dated(row: dict[str, Any], at: Any) -> dict[str, Any]:
    """A deletion may leave the time to the event's own."""
    return row if "updated_at" in row or at is None else {**row, "updated_at": at}
