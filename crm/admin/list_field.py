"""A form field for a list."""

from collections.abc import Callable
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from inference.text import blank


class LinesField(forms.Field):
    """A list, edited with one item per line; `clean_line` returns a line's value or refuses it."""

    def __init__(self, clean_line: Callable[[str], str], example: str, help_text: str) -> None:
        self.clean_line = clean_line
        widget = UnfoldAdminTextareaWidget(attrs={"rows": 3, "placeholder": example})
        super().__init__(required=False, widget=widget, help_text=help_text)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: str | None) -> list[str]:
        lines = (line.strip() for line in (value or "").splitlines())
        return list(dict.fromkeys(self.clean_line(line) for line in lines if not blank(line)))
