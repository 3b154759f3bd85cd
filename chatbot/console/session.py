"""The agent at a page: permissions and presence."""

import asyncio
import json
import logging
import random
from contextlib import suppress
from typing import Any

from auditlog.context import set_actor
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from chatbot.models import Conversation
from chatbot.people import presence, two_factor
from chatbot.people.roles import MAY_ACT, MAY_SEE
from chatbot.wire.errors import Refused
from chatbot.wire.json_socket import FORBIDDEN, JsonSocket
from crm.plumbing.threads import in_thread

logger = logging.getLogger("attune.console")
MAY_NOT = "You may not do that; ask an administrator."


class AgentSocket(JsonSocket):
    """A socket that checks the agent's permissions and keeps up the agent's presence."""

    agent: User

    async def beat(self) -> None:
        """Give signs of life while the page is open, and note at the end that it is closed. A sign
        that came after that note would keep the agent here for another minute."""
        # A random interval, so that not all pages come at once after a restart of the server.
        while not await self.closed_within(presence.BEATS_EVERY * random.uniform(0.5, 1.0)):
            try:
                await self.look_again()
            except Exception as error:
                # The database may be away for a moment; the next sign is soon.
                logger.warning("could not note that an agent is here: %s", error)
        await in_thread(presence.left, self.agent)

    async def closed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closed.wait(), seconds)
        return self.closed.is_set()

    async def look_again(self) -> None:
        """Close the socket of an agent who has logged out or may no longer see conversations."""
        try:
            await in_thread(self.still_permitted)
        except PermissionDenied:
            await self.close(FORBIDDEN)
        else:
            await in_thread(presence.seen, self.agent)

    def still_permitted(self) -> None:
        session = self.scope["session"]
        if not session.exists(session.session_key):
            raise PermissionDenied
        self.permitted(MAY_SEE)

    async def with_right(self, permission: str) -> None:
        try:
            await in_thread(self.permitted, permission)
        except PermissionDenied:
            raise Refused("forbidden", MAY_NOT) from None

    async def put(self, kind: str, **values: Any) -> None:
        await self.write(json.dumps({"type": kind, **values}, ensure_ascii=False))

    def permitted(self, permission: str) -> User:
        """Read the agent anew, so that a right that was taken away ends at once."""
        agent = User.objects.filter(id=self.agent.id or 0, is_active=True, is_staff=True).first()
        if agent is None or not agent.has_perm(permission):
            raise PermissionDenied
        if permission == MAY_SEE and two_factor.lacks(agent, self.scope["session"]):
            raise PermissionDenied
        return agent

    async def act(self, action: Any, frame: Any, *arguments: Any, needs: str = MAY_ACT) -> Any:
        """Carry out an action on the conversation that the frame names."""

        def carry_out() -> Any:
            agent = self.permitted(needs)
            conversation = Conversation.objects.filter(id=frame.conversation).first()
            if conversation is None:
                raise Refused("not_found", "This conversation is no longer there.")
            with set_actor(agent, (self.scope.get("client") or [None])[0]):
                return action(conversation, agent, *arguments)

        try:
            return await in_thread(carry_out)
        except PermissionDenied:
            raise Refused("forbidden", MAY_NOT) from None
