"""Finds numbers of people: by their check sum, their format, or the word beside them.

python-stdnum knows check sums and each country's accounts; phonenumbers knows how each country
writes telephone numbers. The word beside a number counts before either of them: one order number
in ten has the check sum of a card.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.conf import settings
from stdnum import iban, luhn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.eu import vat
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.se import personnummer
from stdnum.us import ssn

from chatbot.privacy.finders import TAKEN, Find, Span, always, every, together
from chatbot.privacy.labels import AND, CHECKS, kind_of, labelled

# What people put between groups of digits: neither letters nor a hole that a finder left.
GAP: str = rf"(?:[^\w+{TAKEN}]|_)"

PHONE = range(7, 16)
# Groups of digits that are examined in one text, more than anybody types. Later ones are masked.
MOST = 200

# --- accounts


@cache
def letters_of(country: str) -> int:
    """Return the length of this country's IBANs; 4 if it has none."""
    (_, info), *_ = iban._ibandb.info(f"{country}00")
    return 4 + sum(int(length) for length in re.findall(r"(\d{1,3})!", info.get("bban", "")))


ACCOUNT = re.compile(r"(?<![^\W_])([A-Z]{2})[ -]?\d\d", re.IGNORECASE)


def ibans(text: str) -> Iterator[Span]:
    for start in ACCOUNT.finditer(text):
        further = letters_of(start[1].upper()) - 4
        form = re.compile(rf"(?:{GAP}{{0,3}}[A-Za-z0-9]){{{further}}}(?![^\W_])")
        rest = form.match(text, start.end()) if further else None
        if rest and iban.is_valid(re.sub(r"[\W_]", "", start[0] + rest[0]), check_country=False):
            yield start.start(), rest.end()


_MORE = r"(?:(?:[ ./-][A-Z])?[ ./-][\dA-Z]{0,4}\d[\dA-Z]{0,12}){0,6}"
_TOKENS = rf"(?:[A-Z]{{1,3}}[ -]?|[A-Z]{{4,9}})?\d[\dA-Z]{{0,20}}{_MORE}"
accounts: Find = together(ibans, labelled("accounts", _TOKENS))

# --- numbers that states give people: rare formats with their check sums

_UK = r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]"
STATES: list[tuple[str, Callable[[str], bool]]] = [
    (r"\d{3}-\d{2}-\d{4}", ssn.is_valid),
    (r"[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d", nir.is_valid),
    (r"\d{8}[ -]?[A-Z]", dni.is_valid),
    (r"[XYZ][ -]?\d{7}[ -]?[A-Z]", nie.is_valid),
    (r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", codicefiscale.is_valid),
    (r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d", ahv.is_valid),
    (r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", nn.is_valid),
    (r"\d{6}[+A-]\d{3}[\dA-Z]", hetu.is_valid),
    (r"(?:\d\d)?\d{6}[+-]\d{4}", personnummer.is_valid),
    (r"\d{6}-\d{4}", cpr.is_valid),
    (r"\d{3}\.\d{3}\.\d{3}-\d\d", cpf.is_valid),
    (r"\d{17}[\dX]", ric.is_valid),
    (r"[A-Z]{4}\d{6}[HM][A-Z]{5}[\dA-Z]\d", curp.is_valid),
    (r"[A-Z]{5}\d{4}[A-Z]", pan.is_valid),
    (r"\d{4} \d{4} \d{4}", aadhaar.is_valid),
    (r"\d{6}-\d{7}", rrn.is_valid),
    (_UK, always),
    (r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)"
     r" ?[\dA-Z]{2}[ .]?\d(?:[ .]?[\dA-Z]){4,9}", vat.is_valid),
]  # fmt: skip


def numbered(pattern: str, holds: Callable[[str], bool]) -> Find:
    form = re.compile(rf"(?<![\w-]){pattern}(?![\w-])")

    def find(text: str) -> Iterator[Span]:
        for match in form.finditer(text):
            if holds(match[0]) and kind_of(text, match.span()) != "things":
                yield match.span()

    return find


identities: Find = together(
    labelled("ids", _TOKENS), *(numbered(pattern, holds) for pattern, holds in STATES)
)

# --- runs of digits

RUN = re.compile(rf"\(?\+?\(?\d(?:(?:(?![,;]\s){GAP}){{0,3}}\d)*")
GROUP = re.compile(r"\d+")
_MONEY = r"(?:€|\$|£|¥|EUR|USD|GBP|CHF|kr|zł|euros?|pounds?|dollars?)"
_AMOUNT = r"(?:\d{1,3}(?:[.,' ]\d{3}){1,4}|\d{1,8})(?:[.,]\d\d?)?"
_END = r"(?![\d./-])"
_CLOCK = r"\d\d?:\d\d(?::\d\d)?"
# Not numbers of people: dates, times, prices, decimals, thousands.
FACTS = re.compile(
    rf"(?<![\d./+-])(?:\d{{4}}-\d\d?-\d\d?(?!\d|-)|\d\d?[./-]\d\d?[./-](?:\d{{4}}|\d\d){_END}"
    rf"|{_CLOCK}(?:\s?[-–—]\s?{_CLOCK})?{_END}|{_MONEY}\s?{_AMOUNT}(?![ .,']?\d)"
    rf"|(?<!\d\s){_AMOUNT}\s?{_MONEY}(?!\w)|0[.,]\d{{1,40}}|\d{{1,12}}[.,]\d\d?(?![\d.,])"
    rf"|[1-9]\d{{0,2}}(?:[.,']\d{{3}}){{1,4}}(?![\d.,-]))",
    re.IGNORECASE,
)
MEASURE = re.compile(r"\s?(?:[mck]?m|k?g|m?l|k?[wv]|hz|mah|pcs|pieces?|stück|pièces?)\b", re.I)


@dataclass(frozen=True)
class Run:
    """Groups of digits without words between them."""

    text: str
    groups: list[Span]
    # The kind that the word beside it names.
    kind: str = ""

    def __len__(self) -> int:
        return sum(end - start for start, end in self.groups)

    def digits(self, first: int, last: int) -> str:
        return "".join(self.text[start:end] for start, end in self.groups[first:last])

    def span(self, first: int, last: int) -> Span:
        """Return the span of some groups, with a plus sign or bracket before them."""
        start = self.groups[first][0]
        while start and self.text[start - 1] in "+(":
            start -= 1
        return start, self.groups[last - 1][1]

    def windows(self, first: int, lengths: range) -> Iterable[int]:
        """List the groups at which a number of these lengths may end if it starts here, longest
        first."""
        total, ends = 0, []
        near = self.groups[first : first + lengths.stop]
        for last, (start, end) in enumerate(near, first + 1):
            total += end - start
            if total >= lengths.stop:
                break
            if total in lengths:
                ends.append(last)
        return reversed(ends)

    def stands_alone(self, first: int, last: int) -> bool:
        """Say whether spaces or the run's ends enclose these groups, so that they are not a part of
        something longer."""
        start, end = self.span(first, last)
        before = self.text[self.groups[first - 1][1] : start] if first else " "
        after = self.text[end : self.groups[last][0]] if last < len(self.groups) else " "
        return any(map(str.isspace, before)) and any(map(str.isspace, after))

    def goes_on(self, before: "Run") -> bool:
        """Say whether it continues a list, as in "orders 10482 and 10483"."""
        alike = abs(len(self) - len(before)) <= 1
        start, end = before.groups[-1][1], self.span(0, 1)[0]
        return alike and bool(AND.fullmatch(self.text, start, end))

    def glued(self) -> bool:
        """Say whether letters are attached to it, as in FHP-26104821."""
        start, end = self.span(0, len(self.groups))
        before, after = self.text[max(0, start - 2) : start], self.text[end : end + 2]
        # Latin, Greek and Cyrillic letters only: Chinese and Japanese put no spaces between words
        # ("電話は090-…です").
        return bool(re.search(r"[A-Za-zÀ-\u04ff][-_/#.]?$", before)) or bool(
            re.match(r"-?[A-Za-zÀ-\u04ff]", after)
        )


def runs(text: str, least: int) -> Iterator[Run]:
    """Yield the runs with at least so many digits."""
    plain = FACTS.sub(lambda match: TAKEN * len(match[0]), text)
    before, examined = None, 0
    for match in RUN.finditer(plain):
        run = Run(plain, [group.span() for group in GROUP.finditer(plain, *match.span())])
        if len(run) < least:
            before = None
            continue
        examined += len(run.groups)
        kind = "anything" if examined > MOST else kind_of(text, match.span())
        if not kind and MEASURE.match(plain, match.end()):
            kind = "things"
        if not kind and before and run.goes_on(before):
            kind = before.kind
        before = replace(run, kind=kind)
        yield before


# --- cards

# The issuers' first digits (ISO/IEC 7812) and the length of their cards.
ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|095|[689]\d)\d{11}(?:\d{2,5})?|35(?:2[89]|[3-8]\d)\d{12}"
    r"|(?:6\d|50|5[6-8])\d{11,17}|220[0-4]\d{12,15}"
)
CARD = range(13, 20)
# The groups of cards whose groups differ in length.
UNLIKE = {(4, 6, 5), (4, 6, 4)}


def cards(text: str) -> Iterator[Span]:
    for run in runs(text, CARD.start):
        first = 0
        while first < len(run.groups) and run.kind != "things":
            last = next((end for end in run.windows(first, CARD) if is_card(run, first, end)), 0)
            if last:
                yield run.span(first, last)
            first = last or first + 1


def is_card(run: Run, first: int, last: int) -> bool:
    if run.kind in {"cards", "anything"}:
        return True
    sizes = tuple(end - start for start, end in run.groups[first:last])
    alike = len(set(sizes[:-1])) <= 1 and sizes[-1] <= max(sizes)
    alike = alike or sizes in UNLIKE or min(sizes) > 3
    digits = run.digits(first, last)
    sound = alike and ISSUED.fullmatch(digits) and luhn.is_valid(digits)
    return bool(sound) and not run.glued()


# The code on the back, after a card with its expiry date.
_CARD = rf"\d(?:{GAP}{{0,3}}\d){{11,18}}"
_MONTH = r"(?:exp\w{0,8}|valid\w{0,3}|until|(?:gültig )?bis)?[\s:.]{0,3}\d\d ?[/-] ?\d{2,4}"
_CODE = r"(?:and |with )?(?:the |its |my )?(?:security |secret )?code:? (?:is )?"
codes: Find = together(
    labelled("checks", r"(?:\d{3,4}(?!\d)|\d(?: \d){2,3}(?! ?\d))"),
    every(rf"(?P<value>\b\d{{3,4}}) (?:\(|(?:is|as) (?:the |my )?)(?:{CHECKS})\b"),
    every(
        rf"{_CARD}[\s,;]{{1,3}}(?:{_MONTH}[\s,;/]{{1,4}}|{_CODE})(?P<value>\d{{3,4}})(?![\w.,]?\d)"
    ),
)

# --- telephones

# North American numbers: groups of three, three and four digits.
AMERICAN = re.compile(
    r"(?:(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])|1[ .-][2-9]\d\d )\d{3}[ .-]\d{4}"
)


def phones(text: str) -> Iterator[Span]:
    for run in runs(text, 5):
        first = 0
        while first < len(run.groups):
            lengths = range(5, 16) if run.kind in {"phones", "anything"} else PHONE
            last = next(
                (end for end in run.windows(first, lengths) if is_phone(run, first, end)), 0
            )
            if last:
                yield run.span(first, last)
            first = last or first + 1


def is_phone(run: Run, first: int, last: int) -> bool:
    if run.kind in {"phones", "anything"}:
        return True
    start, end = run.span(first, last)
    written, whole = run.text[start:end], last - first == len(run.groups)
    international = written.lstrip("(").startswith("+")
    if not run.stands_alone(first, last) or (run.glued() and not international):
        return False
    if international:
        return possible(written)
    if run.kind == "things":
        return False
    return national(written, run.digits(first, last), last - first, whole)


def national(written: str, digits: str, groups: int, whole: bool) -> bool:
    """Say whether it is a telephone number without a plus sign: it starts with 00 or 0 and has
    groups or the usual length, or it is grouped as in one of PHONE_REGIONS."""
    if digits.startswith("00"):
        return len(digits) > 10 and possible(f"+{digits[2:]}")
    if AMERICAN.fullmatch(written):
        return True
    if digits.startswith("0"):
        return (groups > 1 and len(digits) > 7) or len(digits) in {10, 11} or valid(written)
    return whole and groups > 1 and valid(written, re.findall(r"\d+", written))


def possible(written: str) -> bool:
    import phonenumbers

    number = parsed(written)
    return number is not None and phonenumbers.is_possible_number(number)


def valid(written: str, groups: list[str] | None = None) -> bool:
    """Say whether it is valid in one of PHONE_REGIONS: grouped as there, or a mobile number in one
    piece. Article numbers are as long as fixed-line numbers."""
    return any(valid_in(region, written, groups) for region in settings.PHONE_REGIONS)


def valid_in(region: str, written: str, groups: list[str] | None) -> bool:
    import phonenumbers

    number = parsed(written, region)
    if number is None or not phonenumbers.is_valid_number(number):
        return False
    if groups is None:
        return phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return groups == re.findall(r"\d+", national)


def parsed(written: str, region: str | None = None) -> Any:
    """Parse a telephone number; None if it is not one. The library is imported here because few
    processes ever need it."""
    import phonenumbers

    try:
        return phonenumbers.parse(re.sub(r"[^\d+]+", " ", written), region)
    except phonenumbers.NumberParseException:
        return None
