"""A rule of models: what people are shown must show something."""

from django.core.exceptions import ValidationError

from inference.text import blank


def seen(text: str) -> None:
    """Refuses a text in which nothing can be seen, in forms and in the API."""
    if blank(text):
        raise ValidationError("Nothing of this can be seen. Please write it anew.")
