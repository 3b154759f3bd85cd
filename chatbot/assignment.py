"""Who waits is given to somebody: the least busy agent who is there, has room and is of a team that
answers for it. Where there is none it goes on waiting, for anybody to take."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch

from chatbot import agents, presence
from chatbot.models import Conversation, Message, Team
from chatbot.protocol import Refused
from crm.orm import in_thread

logger = logging.getLogger("attune.assignment")
LOOKS_EVERY = 2.0
# Of one look; and of the customer's last messages, whose words tell the topic.
AT_ONCE, MESSAGES = 50, 3
MAY_ACT = "chatbot.change_conversation"


async def assign_for_ever() -> None:
    while True:
        await asyncio.sleep(LOOKS_EVERY)
        try:
            await in_thread(assign_waiting)()
        except Exception as error:
            # The database may be away for a moment; the next look is soon.
            logger.warning("nobody was assigned: %s", error)


def assign_waiting() -> int:
    """How many were given to somebody, who has waited longest first."""
    waiting = Conversation.objects.filter(
        state=Conversation.State.WAITING, visitor__inbox__auto_assign=True, last_seq__gt=0
    )
    found = list(waiting.select_related("visitor").order_by("waiting_since")[:AT_ONCE])
    if not found:
        return 0
    there = [one for one in presence.online() if one.user.has_perm(MAY_ACT)]
    teams = list(Team.objects.prefetch_related("inboxes", Prefetch("members")))
    return sum(assigned(one, there, teams) for one in found)


def assigned(conversation: Conversation, there: list[Any], teams: list[Team]) -> bool:
    free = [one for one in there if one.busy < one.capacity]
    agent = least_busy(free, for_whom(conversation, teams))
    if agent is None:
        return False
    try:
        agents.take_over(conversation, agent.user)
    except Refused:  # Somebody was faster.
        return False
    agent.busy += 1
    return True


def for_whom(conversation: Conversation, teams: list[Team]) -> list[set[int]]:
    """Sets of agents to look in, the best first; an empty one stands for everybody."""
    if conversation.team_id:
        return [members(team) for team in teams if team.id == conversation.team_id]
    inbox = conversation.visitor.inbox_id
    serving = [team for team in teams if serves(team, inbox)]
    words = said(conversation)
    skilled = [team for team in serving if any(one.lower() in words for one in team.topics)]
    named = [team for team in serving if team.inboxes.all()]
    return [*map(members, skilled), *map(members, named)] or [set()]


def serves(team: Team, inbox: int) -> bool:
    inboxes = {one.id for one in team.inboxes.all()}
    return not inboxes or inbox in inboxes


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
