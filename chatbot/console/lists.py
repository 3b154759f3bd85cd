"""The lists of an agent's page, which update automatically."""

from uuid import UUID

from chatbot.console import frames, rows, saved_views
from chatbot.console.feed import News
from chatbot.console.session import AgentSocket
from chatbot.people.roles import MAY_SEE
from chatbot.wire.json_socket import handles
from crm.plumbing.threads import in_thread


class Lists(AgentSocket):
    """The list that the page shows, the agent's saved views, and all alerts."""

    wanted: frames.List
    # Ids of the rows that the page shows, and of the alerts that it knows.
    shown: set[str]
    alerts: set[str]
    at_hand: UUID | None

    @handles(frames.List)
    async def on_list(self, frame: frames.List) -> None:
        self.wanted = frame
        page = await in_thread(lambda: rows.page(frame, self.permitted(MAY_SEE)))
        self.shown = {row["id"] for row in page["rows"]}
        await self.put("rows", **page)

    @handles(frames.SaveView)
    async def on_save_view(self, frame: frames.SaveView) -> None:
        await self.with_right(MAY_SEE)
        await self.put("views", views=await in_thread(saved_views.save, self.agent, frame))

    @handles(frames.DropView)
    async def on_drop_view(self, frame: frames.DropView) -> None:
        await self.with_right(MAY_SEE)
        await self.put("views", views=await in_thread(saved_views.drop, self.agent, frame.name))

    async def changed(self, news: list[News]) -> None:
        """Send the rows that entered the list, changed in it, or left it."""
        for item in news:
            row = item.row
            if row["alerted"] != (row["id"] in self.alerts):
                self.alerts ^= {row["id"]}
                await self.write(f'{{"type": "alert", "row": {item.text}}}')
            still_found = self.wanted.search and row["id"] in self.shown
            if still_found or rows.belongs(row, self.wanted, self.agent):
                self.shown.add(row["id"])
                await self.write(f'{{"type": "row", "row": {item.text}}}')
            elif row["id"] in self.shown or row["id"] == str(self.at_hand):
                self.shown.discard(row["id"])
                await self.write(f'{{"type": "gone", "row": {item.text}}}')
