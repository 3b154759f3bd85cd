"""The questions of test runs: from cases, files and past conversations, in one form.

A line of a file is an object as `manage.py evaluate answers` takes it, with "record" (a right
answer cites it), "inbox" (a key) and "before" (what was said before) beside it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q

from chatbot.models import Case, Inbox, Reply, TestResult
from chatbot.models.replies import Ending
from chatbot.reply.ask import Talk
from chatbot.reply.runner import turn_at
from chatbot.teaching.cases import LONGEST_QUESTION, asked
from crm.ids.aliases import SeveralSystems, resolve
from crm.models import Customer, Record
from crm.plumbing.storable import RecordError, strings
from inference import json_lines
from inference.evaluation.answers import REFUSE
from inference.text import blank, trimmed, unstorable

# A file of test questions is a few hundred lines; a run of more takes a night on a CPU.
MOST_QUESTIONS = 2_000
MOST_BYTES = 5_000_000
# A right answer may be expected to end like this, in place of what it holds.
STATES = {REFUSE, *Ending}


class BadLine(ValueError):
    """A line of a file that cannot be a question; the message says what it needs."""


# --- to run


def as_asked(case: Case) -> dict[str, Any]:
    return {
        "question": case.question,
        "inbox": case.inbox.key if case.inbox else "",
        "before": case.before,
        "expect": [] if outdated(case) else case.expect,
        "forbid": case.forbid,
        "record": case.record,
    }


def outdated(case: Case) -> bool:
    """Tell whether a customer's own record has changed since it was judged: an order moves on, so
    only that it is cited still counts. A shared text that changes is what a run is to notice."""
    own = Record.objects.filter(id=case.record).exclude(customer=None)
    return own.filter(updated_at__gt=case.at).exists()


def active_cases(inbox: Inbox | None = None) -> Iterator[TestResult]:
    place = Q(inbox=inbox) if inbox else Q()
    cases = Case.objects.filter(place, active=True).select_related("inbox").order_by("id")
    return (
        TestResult(case=case, customer_id=case.customer_id, asked=as_asked(case))
        for case in cases[:MOST_QUESTIONS]
    )


def asked_since(since: datetime, inbox: Inbox | None = None) -> Iterator[TestResult]:
    """Yield what customers asked and the bot answered, newest first; nobody has judged it."""
    place = Q(conversation__visitor__inbox=inbox) if inbox else Q()
    spoken = Q(state__in=[Ending.ANSWERED, Ending.REFUSED, Ending.HANDED_OFF])
    replies = Reply.objects.filter(place, spoken, created_at__gte=since)
    replies = replies.filter(conversation__redacted_at=None).exclude(answer=None)
    related = replies.select_related("conversation__visitor__inbox", "question")
    for reply in related.order_by("-id")[:MOST_QUESTIONS]:
        values = asked(turn_at(reply.conversation, reply.question))
        row = {"question": values["question"], "before": values["before"]}
        row["inbox"] = reply.conversation.visitor.inbox.key
        yield TestResult(message=reply.question, customer_id=values["customer_id"], asked=row)


# --- files


def as_row(case: Case) -> dict[str, Any]:
    """Return the line of a file that makes this case again."""
    row = {"id": f"case-{case.pk}", "kind": case.verdict, "customer": case.customer_id}
    row |= {"question": case.question, "expect": case.expect, "forbid": case.forbid}
    more = {"record": case.record, "inbox": case.inbox.key if case.inbox else ""}
    more |= {"answer": case.answer, "before": case.before}
    return row | {name: value for name, value in more.items() if value}


def cases_of(lines: Iterable[bytes]) -> Iterator[Case | BadLine]:
    """Yield an unsaved case, or what is wrong, for each line of a file."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield case_of(line)
            except BadLine as error:
                yield BadLine(f"Line {number}: {error}")


def case_of(line: bytes) -> Case:
    try:
        row = json_lines.value(line)
    except ValueError as error:
        raise BadLine(f"it {error}") from None
    if not isinstance(row, dict):
        raise BadLine("it is not a JSON object.")
    try:
        if any(map(unstorable, strings(row))):
            raise BadLine("it has a NUL or half of a character.")
    except RecordError as error:
        raise BadLine(f"it {error}.") from None
    expect, record = row.get("expect", []), text_of(row, "record", 200)
    if not record and not is_expectation(expect):
        raise BadLine(
            'give "record", or "expect": a state such as "refuse", or a list of lists of texts.'
        )
    return Case(
        question=question_of(row),
        customer=customer_of(row),
        inbox=inbox_of(row),
        before=before_of(row),
        expect=expect if is_expectation(expect) else [],
        forbid=texts_of(row.get("forbid", [])),
        answer=text_of(row, "answer", 2_000),
        record=record,
    )


def is_expectation(expect: Any) -> bool:
    if isinstance(expect, str):
        return expect in STATES
    return (
        isinstance(expect, list)
        and bool(expect)
        and all(isinstance(group, list) and group and all_texts(group) for group in expect)
    )


def all_texts(values: list[Any]) -> bool:
    return all(isinstance(one, str) and not blank(one) for one in values)


def texts_of(values: Any) -> list[str]:
    if not isinstance(values, list) or not all_texts(values):
        raise BadLine('"forbid" must be a list of texts.')
    return values


def text_of(row: dict[str, Any], name: str, longest: int) -> str:
    value = row.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise BadLine(f'"{name}" must be a text of at most {longest} characters.')
    return value


def question_of(row: dict[str, Any]) -> str:
    question = text_of(row, "question", LONGEST_QUESTION)
    if blank(question):
        raise BadLine('"question" must be a text that is not empty.')
    return question


def customer_of(row: dict[str, Any]) -> Customer | None:
    id = row.get("customer")
    if id is None:
        return None
    known = None
    if isinstance(id, str) and trimmed(id):
        try:
            known = Customer.objects.filter(id=resolve(trimmed(id)), erased_at=None).first()
        except SeveralSystems as error:
            raise BadLine(str(error)) from None
    if known is None:
        raise BadLine(f'there is no customer {id!r}; "customer" is an id, or null for a stranger.')
    return known


def inbox_of(row: dict[str, Any]) -> Inbox | None:
    key = text_of(row, "inbox", 100)
    inbox = Inbox.objects.filter(key=key).first() if key else None
    if key and inbox is None:
        raise BadLine(f"there is no inbox {key!r}.")
    return inbox


def before_of(row: dict[str, Any]) -> dict[str, Any]:
    before = row.get("before", {})
    try:
        talk_of(before)
    except (TypeError, ValueError, OverflowError):
        raise BadLine('"before" must be as in an export of test questions.') from None
    return before if isinstance(before, dict) else {}


def talk_of(before: Any) -> Talk:
    """Return what was said before. Raises TypeError or ValueError if it is not of that form."""
    talk = Talk(**before)
    return Talk(
        history=[(str(author), str(text)) for author, text in talk.history],
        cited=[tuple(map(str, ids)) for ids in talk.cited],
        choices=tuple(map(str, talk.choices)),
        offered=bool(talk.offered),
        unanswered=int(talk.unanswered),
    )
