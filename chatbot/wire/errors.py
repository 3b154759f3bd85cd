"""Refusals that a client is told."""


class Refused(Exception):
    """A frame that is not carried out: `code` for programs, the message for the person."""

    def __init__(
        self, code: str, text: str, retry_after: float | None = None, id: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after
        self.id = id
