"""Guidance for the bot in an inbox's form: tone, subjects to avoid, and its own sentences."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from chatbot.conversation import wording
from chatbot.models import Inbox
from chatbot.reply import guidance
from crm.admin.list_field import LinesField
from inference.text import blank

FIELDS = ["tone", "hand_off_on", "never_about"]
ABOUT = (
    "How the bot sounds, and what it leaves to people. You can try your changes below before "
    "you save them."
)
ABOUT_SENTENCES = (
    "The sentences that do not come from your records. If you leave one empty, the bot uses the "
    "grey text, which is in the chosen tone. {} stands for a number, a question or a line of a "
    "record: keep it."
)
PREFIX = "says_"
LONGEST_WORDS = 100
# Examples of each phrase that the trial lists.
EXAMPLES = 5


def never(line: str) -> str:
    """Return a line in the form "words: sentence"."""
    one = guidance.instead(line)
    if blank(one.words) or blank(one.sentence):
        raise ValidationError(
            f"Write “{line[:60]}” like this: the words, a colon, and the sentence that the bot "
            "says instead of an answer."
        )
    if len(one.words) > LONGEST_WORDS or len(one.sentence) > wording.LONGEST:
        raise ValidationError(
            f"“{one.words[:40]}” is too long: the words may have {LONGEST_WORDS} characters, the "
            f"sentence {wording.LONGEST}."
        )
    return f"{one.words}: {one.sentence}"


def sentence(when: str, name: str) -> forms.CharField:
    """Return the field for one of the bot's own sentences, with its wordings in all tones."""
    tones = {f"data-{tone}": getattr(words, name) for tone, words in sorted(wording.TONES.items())}
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 2, **tones})
    return forms.CharField(required=False, label=when, widget=widget)


SENTENCES = {f"{PREFIX}{name}": sentence(when, name) for name, when in wording.SAID.items()}


class GuidanceForm(forms.ModelForm):
    """The fields for guidance in an inbox's form."""

    hand_off_on = LinesField(
        str.strip,
        "power of attorney",
        "Words or phrases, one per line. A message that contains one of them goes to a person.",
    )
    hand_off_on.label = "Always hand off to a person"
    never_about = LinesField(
        never,
        "legal advice: We cannot advise you on the law. Please ask a lawyer.",
        "One per line: words, a colon, and a sentence. If a message contains the words, the bot "
        "answers only with the sentence.",
    )
    never_about.label = "Never talk about"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "tone" not in self.fields:  # For people who may only view the inbox.
            return
        self.fields["tone"].required = False
        words = wording.TONES.get(self.instance.tone, wording.PLAIN)
        for name in wording.SAID:
            self.fields[PREFIX + name].widget.attrs["placeholder"] = getattr(words, name)
            self.initial[PREFIX + name] = self.instance.sentences.get(name, "")

    def clean_tone(self) -> str:
        return self.cleaned_data["tone"] or self.instance.tone

    def clean_never_about(self) -> list[str]:
        lines: list[str] = self.cleaned_data["never_about"]
        phrases = [guidance.instead(line).words.casefold() for line in lines]
        if twice := next((one for one in phrases if phrases.count(one) > 1), None):
            raise ValidationError(f"“{twice}” is listed twice. Keep one of its sentences.")
        return lines

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or self.cleaned_data
        written = {name: data.get(PREFIX + name) or "" for name in wording.SAID}
        own = {name: " ".join(text.split()) for name, text in written.items() if text}
        for name, text in own.items():
            if fault := wording.fault(name, text):
                self.add_error(PREFIX + name, fault)
        self.instance.sentences = own
        return data


# One for each sentence in wording.py; a form takes the fields that its bases have declared.
GuidanceForm.declared_fields.update(SENTENCES)
GuidanceForm.base_fields.update(SENTENCES)


def tried(saved: Inbox, edited: Inbox, may_read: bool) -> dict[str, Any]:
    """Return what the edited guidance would have met last week, beside what the saved one would.
    may_read: show the messages that have its words."""
    trial = guidance.tried(saved, edited)
    shown = [(one, one.messages[:EXAMPLES] if may_read else []) for one in trial.met]
    return {
        "trial": trial,
        "rows": shown,
        "met": sum(len(one.messages) for one in trial.met),
        "before": sum(len(one.messages) for one in guidance.tried(saved, saved).met),
    }
