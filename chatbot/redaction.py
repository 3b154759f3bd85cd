"""Personal data out of a text: what its form gives away, and what the CRM knows of its writer."""

import re
from collections.abc import Iterable

FORMS = {
    "[email]": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+"),
    "[link]": re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE),
    "[account]": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"),
    # Cards, telephone and order numbers: of every run of four or more digits, whatever parts it.
    "[number]": re.compile(r"\+?\(?\d(?:[ ()./-]{0,2}\d){3,}"),
}
# A value of fewer letters ("M", "DE") is no personal data, and would tear words apart.
SHORTEST = 3


def redact(text: str, known: Iterable[str] = ()) -> str:
    """`known`: names and other values of the writer; each becomes [name], longest first."""
    for word, form in FORMS.items():
        text = form.sub(word, text)
    values = sorted({value.strip() for value in known}, key=len, reverse=True)
    for value in values:
        if len(value) >= SHORTEST:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text
