"""The lists of the live inbox that an agent has saved, each a name for a set of filters."""

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from chatbot.console.frames import SaveView
from chatbot.models import SavedView
from chatbot.wire.errors import Refused
from inference.text import written

MOST = 30


def of(agent: User) -> list[dict[str, Any]]:
    return [{"name": one.name, "wanted": one.wanted} for one in agent.views.order_by("name")]


def save(agent: User, frame: SaveView) -> list[dict[str, Any]]:
    """Returns them all."""
    wanted = asdict(frame)
    name = written(wanted.pop("name"))
    with transaction.atomic():
        SavedView.objects.update_or_create(
            user=agent, name=name, defaults={"wanted": wanted | {"page": 0}}
        )
        if agent.views.count() > MOST:
            raise Refused("invalid", f"{MOST} views are kept. Forget one of them first.")
    return of(agent)


def drop(agent: User, name: str) -> list[dict[str, Any]]:
    agent.views.filter(name=name).delete()
    return of(agent)
