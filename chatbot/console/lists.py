"""The lists of an agent's page, which update by themselves."""

from typing import Any
from uuid import UUID

from chatbot.console import frames, rows, saved_views
from chatbot.console.feed import News
from chatbot.console.session import MAY_SEE, AgentSocket
from chatbot.wire.json_socket import handles
from crm.plumbing.threads import in_thread


class Lists(AgentSocket):
    """The list that the agent looks at, its saved views, and alerts whatever it shows."""

    wanted: frames.List
    # Ids of the rows that the page shows, and of the alerts that it knows of.
    shown: set[str]
    alerts: set[str]
    at_hand: UUID | None

    @handles(frames.List)
    async def on_list(self, frame: frames.List) -> None:
        self.wanted = frame
        found = await in_thread(lambda: rows.page(frame, self.permitted(MAY_SEE)))
        self.shown = {row["id"] for row in found["rows"]}
        await self.put("rows", **found)

    @handles(frames.SaveView)
    async def on_save_view(self, frame: frames.SaveView) -> None:
        await self.with_right(MAY_SEE)
        await self.put("views", views=await in_thread(saved_views.save, self.agent, frame))

    @handles(frames.DropView)
    async def on_drop_view(self, frame: frames.DropView) -> None:
        await self.with_right(MAY_SEE)
        await self.put("views", views=await in_thread(saved_views.drop, self.agent, frame.name))

    async def changed(self, found: list[News]) -> None:
        """Rows that came into the list, changed in it, or left it."""
        for news in found:
            row = news.row
            if row["alerted"] != (row["id"] in self.alerts):
                self.alerts ^= {row["id"]}
                await self.write(f'{{"type": "alert", "row": {news.text}}}')
            if rows.belongs(row, self.wanted, self.agent) or self.searched(row):
                self.shown.add(row["id"])
                await self.write(f'{{"type": "row", "row": {news.text}}}')
            elif row["id"] in self.shown or row["id"] == str(self.at_hand):
                self.shown.discard(row["id"])
                await self.write(f'{{"type": "gone", "row": {news.text}}}')

    def searched(self, row: dict[str, Any]) -> bool:
        return bool(self.wanted.search) and row["id"] in self.shown
