"""The widget's look in an inbox's form: its colour is checked, its logo cleaned and kept."""

import hashlib
from base64 import b64encode
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chatbot.attachments import kinds
from chatbot.models import InboxLogo
from chatbot.widget import look
from chatbot.wire.errors import Refused
from crm.admin.list_field import LinesField

FIELDS = [
    "bot_name", "colour", "logo", "remove_logo", "greeting", "suggestions", "position",
]  # fmt: skip
ABOUT = "How the chat looks to customers. The picture below changes as you type."
# More would push the composer of a phone off the screen.
MOST_SUGGESTIONS = 4
LONGEST_SUGGESTION = 80
# A logo is shown at 36 × 36 pixels, and each customer loads it.
LOGO_BYTES = 100 * 1024
LOGO_TYPES = ("image/png", "image/jpeg", "image/webp")


def suggestion(line: str) -> str:
    if len(line) > LONGEST_SUGGESTION:
        raise ValidationError(
            f"“{line[:40]}…” has {len(line)} characters; {LONGEST_SUGGESTION} is the most."
        )
    return line


class LookForm(forms.ModelForm):
    """The fields for the look in an inbox's form. A field that is left empty keeps its value."""

    colour = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "#0e665a", "spellcheck": "false"}),
        help_text="For example #0e665a. White text must be readable on it.",
    )
    suggestions = LinesField(
        suggestion,
        "Where is my order?\nHow do I return something?",
        "Up to four questions that a customer can ask with one click, one per line.",
    )
    suggestions.label = "Suggested questions"
    logo = forms.FileField(
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(LOGO_TYPES)}),
        help_text="A PNG, JPEG or WebP image of at most 100 KB. It is shown at 36 × 36 pixels.",
    )
    remove_logo = forms.BooleanField(
        required=False, label="Remove the logo", widget=UnfoldBooleanSwitchWidget
    )

    # The image's type and its cleaned bytes, if one was uploaded.
    new_logo: tuple[str, bytes] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "bot_name" not in self.fields:  # For people who may only view the inbox.
            return
        for name in ("bot_name", "position"):
            self.fields[name].required = False

    def clean_bot_name(self) -> str:
        return self.cleaned_data["bot_name"] or self.instance.bot_name

    def clean_position(self) -> str:
        return self.cleaned_data["position"] or self.instance.position

    def clean_colour(self) -> str:
        colour = self.cleaned_data["colour"].lower() or self.instance.colour
        if not look.COLOUR.fullmatch(colour):
            raise ValidationError("Write the colour with six digits or letters, like #0e665a.")
        if (found := look.contrast(colour, look.WHITE)) < look.OF_TEXT:
            raise ValidationError(
                f"White text is hard to read on {colour}: its contrast is {found:.1f}, but must "
                f"be at least {look.OF_TEXT}. The closest shade that works is "
                f"{look.readable(colour)}."
            )
        return colour

    def clean_suggestions(self) -> list[str]:
        lines: list[str] = self.cleaned_data["suggestions"]
        if len(lines) > MOST_SUGGESTIONS:
            raise ValidationError(
                f"These are {len(lines)} questions; {MOST_SUGGESTIONS} is the most."
            )
        return lines

    def clean_logo(self) -> None:
        file: UploadedFile | None = self.cleaned_data["logo"]
        if file:
            self.new_logo = cleaned(file)

    def save_logo(self) -> None:
        """Keep the new logo, or remove the one that there was. The inbox must be saved before."""
        if self.new_logo:
            type, data = self.new_logo
            values = {"type": type, "data": data, "digest": hashlib.sha256(data).hexdigest()[:16]}
            InboxLogo.objects.update_or_create(inbox=self.instance, defaults=values)
        elif self.cleaned_data["remove_logo"]:
            InboxLogo.objects.filter(inbox=self.instance).delete()

    def logo_address(self) -> str:
        """Return the logo that the form would leave, for a picture of the chat."""
        if self.new_logo:
            type, data = self.new_logo
            return f"data:{type};base64,{b64encode(data).decode()}"
        removed = self.cleaned_data.get("remove_logo") or not self.instance.pk
        return "" if removed else look.logo_address(self.instance)


def cleaned(file: UploadedFile) -> tuple[str, bytes]:
    """Return the image's type and its bytes without metadata. Raises ValidationError."""
    if (file.size or 0) > LOGO_BYTES:
        raise ValidationError(f"This image is {kinds.size(file.size or 0)}; 100 KB is the most.")
    try:
        kind, data = kinds.recognised(file.read())
    except Refused as refused:
        raise ValidationError(str(refused)) from None
    if kind.type not in LOGO_TYPES:
        raise ValidationError("This is not a PNG, JPEG or WebP image. Please choose one.")
    return kind.type, data
