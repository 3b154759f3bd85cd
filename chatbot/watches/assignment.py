"""Assigns waiting conversations to agents who are there and have room.

The least busy agent gets the conversation: of the teams whose topics it mentions, else of the
inbox's teams, else of everybody who answers for the inbox. If there is none, the conversation goes
on waiting for anybody to take it.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db.models import Prefetch, QuerySet

from chatbot.conversation import agents
from chatbot.models import Conversation, Message, Team
from chatbot.people import presence
from chatbot.wire.errors import Refused
from crm.plumbing.threads import in_thread
from crm.plumbing.tick import Job

LOOKS_EVERY = 2.0
# Conversations of one look; and the customer's last messages that are searched for a team's topics.
AT_ONCE, MESSAGES = 1_000, 3


def job() -> Job:
    work = partial(in_thread, assign_waiting)
    return Job(LOOKS_EVERY, work, "no conversation was assigned", waiting)


def waiting() -> QuerySet[Conversation]:
    return Conversation.objects.filter(
        state=Conversation.State.WAITING, visitor__inbox__auto_assign=True, last_seq__gt=0
    )


def assign_waiting() -> int:
    """Assign those who have waited longest first. Returns how many were assigned."""
    rows = list(waiting().select_related("visitor").order_by("waiting_since")[:AT_ONCE])
    present = list(presence.able()) if rows else []
    teams = list(Team.objects.prefetch_related("inboxes", Prefetch("members"))) if present else []
    return sum(assigned(conversation, present, teams) for conversation in rows)


def assigned(conversation: Conversation, present: list[Any], teams: list[Team]) -> bool:
    serving = [team for team in teams if serves(team, conversation)]
    named = conversation.team_id or any(team.inboxes.all() for team in serving)
    answering = set().union(*map(members, serving)) if named else set()
    able = [agent for agent in present if not named or agent.user_id in answering]
    free = [agent for agent in able if agent.busy < agent.capacity]
    agent = least_busy(free, preferred(conversation, serving)) if free else None
    if agent is None:
        return False
    agent.busy += 1
    try:
        return agents.assign(conversation, agent.user)
    except Refused:  # Another process or agent was faster.
        return False


def serves(team: Team, conversation: Conversation) -> bool:
    if conversation.team_id:
        return team.id == conversation.team_id
    inboxes = {inbox.id for inbox in team.inboxes.all()}
    return not inboxes or conversation.visitor.inbox_id in inboxes


def preferred(conversation: Conversation, serving: list[Team]) -> list[set[int]]:
    """List the sets of agents to choose from, best first. The last is empty: everybody."""
    text = recent_text(conversation) if any(team.topics for team in serving) else ""
    skilled = [team for team in serving if any(topic.lower() in text for topic in team.topics)]
    named = [team for team in serving if team.inboxes.all()]
    return [*map(members, skilled), *map(members, named), set()]


def members(team: Team) -> set[int]:
    # No user has the id 0: an empty team must not stand for everybody.
    return {user.id for user in team.members.all()} or {0}


def recent_text(conversation: Conversation) -> str:
    own = conversation.messages.filter(author=Message.Author.CUSTOMER).order_by("-seq")
    return " ".join(own.values_list("text", flat=True)[:MESSAGES]).lower()


def least_busy(free: Iterable[Any], choices: list[set[int]]) -> Any:
    """Return the least busy Presence of the first set that has a free one, or None."""
    for choice in choices:
        agents = [agent for agent in free if not choice or agent.user_id in choice]
        if agents:
            return min(agents, key=lambda agent: (agent.busy / agent.capacity, agent.user_id))
    return None
