"""Lists of the live inbox that an agent has saved: names for sets of filters."""

from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.db import transaction

from chatbot.console.frames import SaveView
from chatbot.models import SavedView
from chatbot.wire.errors import Refused
from inference.text import written

MOST = 30


def of(agent: User) -> list[dict[str, Any]]:
    return [{"name": view.name, "wanted": view.wanted} for view in agent.views.order_by("name")]


def save(agent: User, frame: SaveView) -> list[dict[str, Any]]:
    """Save a view and return all views."""
    wanted = msgspec.structs.asdict(frame)
    name = written(wanted.pop("name"))
    with transaction.atomic():
        SavedView.objects.update_or_create(
            user=agent, name=name, defaults={"wanted": wanted | {"page": 0}}
        )
        if agent.views.count() > MOST:
            raise Refused("invalid", f"You can keep {MOST} views. Delete one of them first.")
    return of(agent)


def drop(agent: User, name: str) -> list[dict[str, Any]]:
    agent.views.filter(name=name).delete()
    return of(agent)
