"""Any JSON: the source's mapping has a JSONPath for each field of a record.

`{"records": "$.items[*]", "id": "$.number", …, "fields": {"status": "$.state"}}`; without
"records" the body is one record. A path that does not begin with $ is a constant.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jsonpath_ng.exceptions import JSONPathError
from jsonpath_ng.parser import parse as compiled

from crm.dialects import Change, IncomingWebhook, PayloadError, many
from crm.dialects.attune import event_id as event_id
from crm.dialects.attune import verify as verify
from inference.text import trimmed

REQUIRED = ("id", "kind", "title", "updated_at")
NAMES = (*REQUIRED, "customer", "text", "deleted")
KEPT = {"", "false", "no", "0"}
path = lru_cache(500)(compiled)


def check(mapping: Any) -> None:
    """Raise ValueError, with a message for the operator, if the mapping cannot work."""
    if not isinstance(mapping, dict):
        raise ValueError("The mapping must be a JSON object.")
    if missing := [name for name in REQUIRED if not mapping.get(name)]:
        raise ValueError(f"The mapping has no path for: {', '.join(missing)}.")
    if unknown := set(mapping) - {*NAMES, "records", "fields", "shared"}:
        raise ValueError(f"The mapping has unknown entries: {', '.join(sorted(unknown))}.")
    if not mapping.get("customer") and mapping.get("shared") is not True:
        raise ValueError('Map "customer", or set "shared": true to show the records to everybody.')
    if not isinstance(mapping.get("fields", {}), dict):
        raise ValueError('"fields" must be an object of paths.')
    paths = {**mapping, **mapping.get("fields", {})}
    for name, text in paths.items():
        if name not in {"fields", "shared"}:
            check_path(name, text)


def check_path(name: str, text: Any) -> None:
    if not isinstance(text, str):
        raise ValueError(f'"{name}" must be a JSONPath in quotation marks.')
    try:
        value_of(text, {})
    except (JSONPathError, ValueError, AttributeError) as error:
        raise ValueError(f'"{name}" is not a JSONPath: {error}') from None


def changes(body: Any, delivery: IncomingWebhook) -> list[Change]:
    mapping = delivery.mapping
    if not mapping.get("records"):
        return [mapped(body, mapping, "body")]
    rows = many(path(mapping["records"]).find(body), mapping["records"])
    return [mapped(row.value, mapping, str(row.full_path)) for row in rows]


def customers(body: Any, delivery: IncomingWebhook) -> list[Any]:
    mapping = delivery.mapping
    rows = [match.value for match in path(mapping.get("records") or "$").find(body)]
    return [value_of(mapping["customer"], row) for row in rows if mapping.get("customer")]


def mapped(row: Any, mapping: Mapping[str, Any], where: str) -> Change:
    record = {name: value_of(mapping[name], row) for name in NAMES if mapping.get(name)}
    facts = mapping.get("fields") or {}
    record["fields"] = {name: value_of(text, row) for name, text in facts.items()}
    # Some systems give the time of the deletion, others say whether it was deleted.
    record["deleted"] = str(record.get("deleted") or "").lower() not in KEPT
    if not mapping.get("customer"):
        record["customer"] = None  # "shared": true
    elif not record["deleted"] and is_blank(record["customer"]):
        raise PayloadError(f"{where}: {mapping['customer']}", "is empty: whose record is this?")
    for name in REQUIRED:
        if is_blank(record[name]):
            raise PayloadError(f"{where}: {mapping[name]}", f"found nothing for the {name}")
    return Change("record.upserted", record, where)


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not trimmed(value))


def value_of(text: str, row: Any) -> Any:
    if not text.startswith("$"):
        return text
    values = [match.value for match in path(text).find(row)]
    return values[0] if values else None
