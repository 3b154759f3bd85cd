"""Whose number it is: by its check sum, by the way it is written, by the word beside it.

python-stdnum knows check sums and the accounts of each country, phonenumbers how each country
writes its numbers. What a word says of a number is believed before either: the digits of an order
add up as a card's do, one time in ten.
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

# What people put between groups of digits: nothing that is read, nor a hole.
GAP: str = rf"(?:[^\w+{TAKEN}]|_)"

PHONE = range(7, 16)
# Groups of digits looked at closely in one text, more than anybody types. Those after are taken.
MOST = 200

# --- accounts


@cache
def letters_of(country: str) -> int:
    """How long an account of this country is; 0: it has none."""
    (_, found), *_ = iban._ibandb.info(f"{country}00")
    return 4 + sum(int(one) for one in re.findall(r"(\d{1,3})!", found.get("bban", "")))


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

# --- what states number people by: forms that are rare, and their check sums

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
        for found in form.finditer(text):
            if holds(found[0]) and kind_of(text, found.span()) != "things":
                yield found.span()

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
# What is no number of anybody's: days, times, prices, decimals, thousands.
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
    """Digits with nothing that is read between them, in groups."""

    text: str
    groups: list[Span]
    # What the word beside it says that it is.
    kind: str = ""

    def __len__(self) -> int:
        return sum(end - start for start, end in self.groups)

    def digits(self, first: int, last: int) -> str:
        return "".join(self.text[start:end] for start, end in self.groups[first:last])

    def span(self, first: int, last: int) -> Span:
        """With the sign and the bracket that it begins with."""
        start = self.groups[first][0]
        while start and self.text[start - 1] in "+(":
            start -= 1
        return start, self.groups[last - 1][1]

    def windows(self, first: int, lengths: range) -> Iterable[int]:
        """Where groups from this one on may end to have so many digits: longest first."""
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
        """A space or nothing of the run is on either side: it is no piece of something longer."""
        start, end = self.span(first, last)
        before = self.text[self.groups[first - 1][1] : start] if first else " "
        after = self.text[end : self.groups[last][0]] if last < len(self.groups) else " "
        return any(map(str.isspace, before)) and any(map(str.isspace, after))

    def goes_on(self, before: "Run") -> bool:
        """As in: orders 10482 and 10483."""
        alike = abs(len(self) - len(before)) <= 1
        start, end = before.groups[-1][1], self.span(0, 1)[0]
        return alike and bool(AND.fullmatch(self.text, start, end))

    def glued(self) -> bool:
        """To a name before or after, as in FHP-26104821."""
        start, end = self.span(0, len(self.groups))
        before, after = self.text[max(0, start - 2) : start], self.text[end : end + 2]
        # Chinese and Japanese part no words: "電話は090-…です".
        return bool(re.search(r"[A-Za-zÀ-\u04ff][-_/#.]?$", before)) or bool(
            re.match(r"-?[A-Za-zÀ-\u04ff]", after)
        )


def runs(text: str, least: int) -> Iterator[Run]:
    """Of so many digits at least."""
    plain = FACTS.sub(lambda found: TAKEN * len(found[0]), text)
    before, looked_at = None, 0
    for found in RUN.finditer(plain):
        run = Run(plain, [one.span() for one in GROUP.finditer(plain, *found.span())])
        if len(run) < least:
            before = None
            continue
        looked_at += len(run.groups)
        kind = "anything" if looked_at > MOST else kind_of(text, found.span())
        if not kind and MEASURE.match(plain, found.end()):
            kind = "things"
        if not kind and before and run.goes_on(before):
            kind = before.kind
        before = replace(run, kind=kind)
        yield before


# --- cards

# Who issues them, by the first digits (ISO/IEC 7812), and how long theirs are.
ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|095|[689]\d)\d{11}(?:\d{2,5})?|35(?:2[89]|[3-8]\d)\d{12}"
    r"|(?:6\d|50|5[6-8])\d{11,17}|220[0-4]\d{12,15}"
)
CARD = range(13, 20)
# How they are grouped where the groups are not all alike.
UNLIKE = {(4, 6, 5), (4, 6, 4)}


def cards(text: str) -> Iterator[Span]:
    for run in runs(text, CARD.start):
        first = 0
        while first < len(run.groups) and run.kind != "things":
            last = next((one for one in run.windows(first, CARD) if is_card(run, first, one)), 0)
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


# The code on the back, beside a card that is told with its last month.
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

# In North America: three digits, three and four.
AMERICAN = re.compile(
    r"(?:(?:\+?1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])|1[ .-][2-9]\d\d )\d{3}[ .-]\d{4}"
)


def phones(text: str) -> Iterator[Span]:
    for run in runs(text, 5):
        first = 0
        while first < len(run.groups):
            lengths = range(5, 16) if run.kind in {"phones", "anything"} else PHONE
            last = next(
                (one for one in run.windows(first, lengths) if is_phone(run, first, one)), 0
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
    """With 00 or 0, in groups or as long as such numbers are; or grouped as the countries whose
    customers write here do."""
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
    """In one of the countries: grouped as there or, in one piece, a mobile's. Goods have numbers as
    long as those of fixed lines."""
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
    """None where it is no telephone number. Imported here: few processes ever see one."""
    import phonenumbers

    try:
        return phonenumbers.parse(re.sub(r"[^\d+]+", " ", written), region)
    except phonenumbers.NumberParseException:
        return None
