"""Normalises the dates of a text, or writes them in the style of another text."""

import re
from datetime import date

MONTHS = (
    "january february march april may june july august september october november december"
).split()  # fmt: skip
MONTH = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS) + r"|sept)\.?"
DATES = [
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})\b"),
    re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{MONTH})(?:,? (?P<y>\d{{4}}))?\b", re.I
    ),
    re.compile(rf"\b(?P<m>{MONTH}) (?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<y>\d{{4}}))?\b", re.I),
    re.compile(rf"\b(?P<m>{MONTH}) (?P<y>\d{{4}})\b", re.I),
    re.compile(
        r"\b(?:[Ii]n|[Dd]uring|[Oo]f|[Ss]ince|[Uu]ntil|[Bb]y|[Bb]efore|[Aa]fter|[Ff]rom|[Tt]o"
        r"|[Ee]arly|[Ll]ate|[Mm]id)[ -](?P<m>(?:" + "|".join(map(str.title, MONTHS)) + r"))\b"
    ),
]
DAY_FIRST = "{0:%d/%m/%Y}"
# The formats of the patterns above, except for the last two.
STYLES = [
    "{0:%Y-%m-%d}",
    "{0:%d.%m.%Y}",
    "{0:%m/%d/%Y}",
    "{0.day} {0:%B %Y}",
    "{0:%B} {0.day}, {0.year}",
]


def dates(text: str) -> tuple[set[str], str]:
    """Return the dates as 'Y-M-D', with '?' for a missing part, and the text without them."""
    found = set()
    for pattern in DATES:
        for match in pattern.finditer(text):
            parts = {"y": "?", "d": "?", **{k: v for k, v in match.groupdict().items() if v}}
            day, of_month = parts["d"].lstrip("0"), month(parts["m"])
            if "/" in match[0]:
                day, of_month = slashed(of_month, day)
            found.add(f"{parts['y']}-{of_month}-{day}")
        text = pattern.sub(" ", text)
    return found, text


def slashed(first: str, second: str) -> tuple[str, str]:
    """Return day and month of '25/12/2026' or '12/25/2026'.

    An ambiguous date is kept as it is, and equals only a date that is written in the same way.
    """
    if first == second or int(second or 0) > 12:
        return second, first
    if int(first or 0) > 12:
        return first, second
    return f"{first}/{second}", f"{first}/{second}"


def without_dates(text: str) -> str:
    for pattern in DATES:
        text = pattern.sub(" ", text)
    return text


def date_held(claimed: str, known: list[str]) -> bool:
    """Compare dates; a part that either side leaves out fits, but a year must be mentioned."""
    year = claimed.split("-")[0]
    spoken = year == "?" or any(date.startswith(year) for date in known)
    return spoken and any(
        all(
            a == b or "?" in (a, b)
            for a, b in zip(claimed.split("-"), date.split("-"), strict=True)
        )
        for date in known
    )


def month_of(date: str) -> str:
    """Return the name of the month of a date that is only a month, else ""."""
    found = re.fullmatch(r"\?-(\d+)-\?", date)
    return MONTHS[int(found[1]) - 1] if found else ""


def month(text: str) -> str:
    if text.isdigit():
        return str(int(text))
    return str([name[:3] for name in MONTHS].index(text[:3].lower()) + 1)


def written_like(text: str, example: str) -> str:
    """Write the full dates of the text in the style of the example's, if it has any."""
    style = style_of(example)
    if style is None:
        return text
    for pattern, own in zip(DATES, STYLES, strict=False):
        # 5/8/2026 may be in May or in August: it is left unchanged.
        if own != style and "/" not in own:
            text = pattern.sub(lambda found: rewritten(found, style), text)
    return text


def style_of(text: str) -> str | None:
    """Return the style of the first date; None without a date or if it is ambiguous."""
    for pattern, style in zip(DATES, STYLES, strict=False):
        if found := pattern.search(text):
            if "/" not in style:
                return style
            first, second = int(found["m"]), int(found["d"])
            return None if max(first, second) <= 12 else DAY_FIRST if first > 12 else style
    return None


def rewritten(found: re.Match[str], style: str) -> str:
    parts = found.groupdict()
    try:
        day = date(int(parts["y"]), int(month(parts["m"])), int(parts["d"]))
    except (TypeError, KeyError, ValueError):
        return found[0]
    return style.format(day)
