"""A validator for texts that people see."""

from django.core.exceptions import ValidationError

from inference.text import blank


def seen(text: str) -> None:
    """Refuse a text without visible characters, in forms and in the API."""
    if blank(text):
        raise ValidationError("This text has no visible characters. Please write it again.")
