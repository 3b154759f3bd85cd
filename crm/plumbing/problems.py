"""HTTP errors as RFC 9457 problem documents."""

from http import HTTPStatus
from typing import Any

PROBLEM = "application/problem+json"


def problem(code: int, detail: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(code).phrase,
        "status": code,
        "detail": detail,
        **extra,
    }
