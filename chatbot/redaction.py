"""Personal data out of a text: what its form gives away, and what the CRM knows of its writer.

`redact` is for what is kept for long and read by machines: it takes every long number, an order's
too. `mask` is for texts that have to go on making sense: it takes a number only where a check sum
or the way it is written says whose number it is.
"""

import re
from collections.abc import Callable, Iterable

# What people put between groups of digits: spaces of all kinds, points, hyphens and dashes.
GAP = r"[\s.\u2010-\u2015-]"
# Letters and digits of an account in each country (ISO 13616), so that its end is known even where
# the next word follows.
COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH CR HR LI LV",
    22: "BG BH DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
IBAN = "|".join(
    rf"(?:{'|'.join(codes.split())})\d{{2}}(?:{GAP}{{0,3}}[A-Z0-9]){{{length - 4}}}"
    for length, codes in COUNTRIES.items()
)
FORMS = {
    "[email]": re.compile(
        r"\b[\w.+'-]{1,64}(?:@|\s?[\[(]at[\])]\s?)[\w-]+\.[\w.-]+", re.IGNORECASE
    ),
    "[link]": re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE),
    "[account]": re.compile(
        rf"\b(?:[A-Z]{{2}}\d{{2}}(?: ?[A-Z0-9]{{4}}){{2,7}}(?: ?[A-Z0-9]{{1,4}})?|(?i:{IBAN}))\b"
    ),
    # Cards, telephone and order numbers: of every run of four or more digits, whatever parts it.
    "[number]": re.compile(r"\+?\(?\d(?:[ ()./-]{0,3}\d){3,}"),
}
# A value of fewer letters ("M", "DE") is no personal data, and would tear words apart.
SHORTEST = 3


def luhn(text: str) -> bool:
    """A card's number: its first digit is a card's, and its digits add up (ISO/IEC 7812)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return digits[0] in range(2, 7) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """ISO 13616: with the first four characters at the end, the remainder of 97 is 1."""
    bare = re.sub(r"\W", "", text).upper()
    moved = bare[4:] + bare[:4]
    return int("".join(str(int(one, 36)) for one in moved)) % 97 == 1


def phone(text: str) -> bool:
    """Written as one: with + or 00, or in brackets, or with 0 in groups; no date, no decimal."""
    digits = re.sub(r"\D", "", text)
    if NO_PHONE.fullmatch(text.strip()) or not 8 <= len(digits) <= 15:
        return False
    if text.startswith(("+", "(0")) or len(re.split(r"[ ()./-]+", text.strip(" ("))) >= 2:
        return True
    # In one piece: abroad with 00; at home as long as numbers are. An article's number has 12
    # digits, and is told apart from a mobile one in Germany by its beginning.
    if digits.startswith("00"):
        return len(digits) > 10
    return len(digits) in {10, 11} or (len(digits) == 12 and digits[:3] in {"015", "016", "017"})


def always(text: str) -> bool:
    return True


NO_PHONE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|0[.,]\d+")
# In North America: three digits, three and four.
AMERICAN = r"(?:\+?1[ .-])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[.-])\d{3}[ .-]\d{4}"
CHECKED: list[tuple[str, re.Pattern[str], Callable[[str], bool]]] = [
    ("[email]", FORMS["[email]"], always),
    ("[iban]", re.compile(rf"(?<!\w)(?:{IBAN})(?!\w)", re.IGNORECASE), iban),
    ("[card]", re.compile(rf"(?<![\w-])\d(?:{GAP}{{0,3}}\d){{12,18}}(?![\w-])"), luhn),
    ("[phone]", re.compile(rf"(?<![\w-]){AMERICAN}(?![\w-])"), always),
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
            spaced = r"\s+".join(map(re.escape, value.split()))
            text = re.sub(rf"(?<!\w){spaced}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text
