"""`manage.py webhooks`, the part about sources."""

from typing import Any


def add_parsers(actions: Any) -> None:
    pass
