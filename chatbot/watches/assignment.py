"""Who waits is given to somebody who is there and has room: the least busy of the team that knows
about it, else of the inbox's teams, else of everybody who answers for the inbox. Where there is
none it goes on waiting, for anybody to take."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch

from chatbot.conversation import agents
from chatbot.models import Conversation, Message, Team
from chatbot.people import presence
from chatbot.wire.errors import Refused
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.assignment")
LOOKS_EVERY = 2.0
# Of one look; and of the customer's last messages, whose words tell the topic.
AT_ONCE, MESSAGES = 1_000, 3


async def assign_for_ever() -> None:
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        try:
            await in_thread(assign_waiting)
        except Exception as error:
            # The database may be away for a moment; the next look is soon.
            logger.warning("nobody was assigned: %s", error)


def assign_waiting() -> int:
    """How many were given to somebody, who has waited longest first."""
    waiting = Conversation.objects.filter(
        state=Conversation.State.WAITING, visitor__inbox__auto_assign=True, last_seq__gt=0
    )
    found = list(waiting.select_related("visitor").order_by("waiting_since")[:AT_ONCE])
    there = list(presence.able()) if found else []
    teams = list(Team.objects.prefetch_related("inboxes", Prefetch("members"))) if there else []
    return sum(assigned(one, there, teams) for one in found)


def assigned(conversation: Conversation, there: list[Any], teams: list[Team]) -> bool:
    serving = [team for team in teams if serves(team, conversation)]
    named = conversation.team_id or any(team.inboxes.all() for team in serving)
    answering = set().union(*map(members, serving)) if named else set()
    able = [one for one in there if not named or one.user_id in answering]
    free = [one for one in able if one.busy < one.capacity]
    agent = least_busy(free, for_whom(conversation, serving)) if free else None
    if agent is None:
        return False
    agent.busy += 1
    try:
        return agents.assign(conversation, agent.user)
    except Refused:  # Somebody was faster.
        return False


def serves(team: Team, conversation: Conversation) -> bool:
    if conversation.team_id:
        return team.id == conversation.team_id
    inboxes = {one.id for one in team.inboxes.all()}
    return not inboxes or conversation.visitor.inbox_id in inboxes


def for_whom(conversation: Conversation, serving: list[Team]) -> list[set[int]]:
    """Sets of agents to look in, the best first; the last is empty, and stands for everybody."""
    words = said(conversation) if any(team.topics for team in serving) else ""
    skilled = [team for team in serving if any(one.lower() in words for one in team.topics)]
    named = [team for team in serving if team.inboxes.all()]
    return [*map(members, skilled), *map(members, named), set()]


def members(team: Team) -> set[int]:
    return {one.id for one in team.members.all()} or {0}


def said(conversation: Conversation) -> str:
    own = conversation.messages.filter(author=Message.Author.CUSTOMER).order_by("-seq")
    return " ".join(own.values_list("text", flat=True)[:MESSAGES]).lower()


def least_busy(free: Iterable[Any], choices: list[set[int]]) -> Any:
    """A Presence with its `busy`, or None."""
    for choice in choices:
        of_these = [one for one in free if not choice or one.user_id in choice]
        if of_these:
            return min(of_these, key=lambda one: (one.busy / one.capacity, one.user_id))
    return None
