"""Personal data out of a text: what its form gives away, and what the CRM knows of its writer.

`redact` is for what is kept for long and read by machines: it takes every long number, an order's
too. `mask` is for texts that have to go on making sense: it takes a number only where a check sum
or the way it is written says whose number it is.
"""

import re
from collections.abc import Callable, Iterable

FORMS = {
    "[email]": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+"),
    "[link]": re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE),
    "[account]": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"),
    # Cards, telephone and order numbers: of every run of four or more digits, whatever parts it.
    "[number]": re.compile(r"\+?\(?\d(?:[ ()./-]{0,2}\d){3,}"),
}
# A value of fewer letters ("M", "DE") is no personal data, and would tear words apart.
SHORTEST = 3


def luhn(text: str) -> bool:
    """A card's number: its digits add up (ISO/IEC 7812)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: with the first four characters at the end, the remainder of 97 is 1."""
    bare = text.replace(" ", "").upper()
    moved = bare[4:] + bare[:4]
    return 15 <= len(bare) <= 34 and int("".join(str(int(one, 36)) for one in moved)) % 97 == 1


def phone(text: str) -> bool:
    """Written as one: with + or 00, or in brackets, or in three groups; a date is none."""
    digits = sum(character.isdigit() for character in text)
    if DATE.fullmatch(text.strip()) or not 8 <= digits <= 15:
        return False
    groups = len(re.split(r"[ ()./-]+", text.strip(" (")))
    return text.startswith(("+", "00", "(0")) or (text.startswith("0") and groups >= 2)


def always(text: str) -> bool:
    return True


DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
CHECKED: list[tuple[str, re.Pattern[str], Callable[[str], bool]]] = [
    ("[email]", FORMS["[email]"], always),
    ("[iban]", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"), iban),
    ("[iban]", re.compile(r"\b[a-z]{2}\d{2}[a-z0-9]{11,30}\b"), iban),
    ("[card]", re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"), luhn),
    ("[phone]", re.compile(r"(?<![\w/-])(?:\+|\(?0)\d?(?:[ ()./-]{0,3}\d){6,14}(?!\w)"), phone),
]


def redact(text: str, known: Iterable[str] = ()) -> str:
    """`known`: names and other values of the writer; each becomes [name], longest first."""
    for word, form in FORMS.items():
        text = form.sub(word, text)
    return without(text, known)


def mask(text: str, known: Iterable[str] = ()) -> str:
    for word, form, holds in CHECKED:
        text = form.sub(lambda found: word if holds(found[0]) else found[0], text)  # noqa: B023
    return without(text, known)


def without(text: str, known: Iterable[str]) -> str:
    values = sorted({value.strip() for value in known}, key=len, reverse=True)
    for value in values:
        if len(value) >= SHORTEST:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text
