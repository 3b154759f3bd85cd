"""`manage.py webhooks`, the part about endpoints."""

from typing import Any


def add_parsers(actions: Any) -> None:
    pass
