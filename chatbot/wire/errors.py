"""Errors that are sent to the client."""


class Refused(Exception):
    """A frame or request is refused: `code` is for programs, the text for people."""

    def __init__(
        self, code: str, text: str, retry_after: float | None = None, id: str | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after
        self.id = id
