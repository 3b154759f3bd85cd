"""Judges an answer of the bot, which becomes a test question with what a right answer holds."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chatbot.conversation.changes import announce, locked
from chatbot.models import Case, Conversation, Message, Reply
from chatbot.models.replies import Ending
from chatbot.reply.ask import Talk
from chatbot.reply.runner import turn_at
from chatbot.reply.turn import Turn
from chatbot.teaching.expectations import expectation, words
from chatbot.wire.errors import Refused
from crm.knowledge.search import meant_for, visible
from crm.models import Article, Customer, Record
from inference.evaluation.answers import REFUSE
from inference.sentences import split
from inference.text import written

LONGEST_QUESTION, LONGEST_ANSWER = 4_000, 2_000
MAY_TEACH = "chatbot.add_case"
RIGHT, WRONG = Case.Verdict.RIGHT, Case.Verdict.WRONG
# What a right answer ends as, if it says nothing of the records.
ENDINGS: dict[str, str] = {Ending.REFUSED: REFUSE}
# Records that are offered to choose from.
OFFERED = 12
# Rows that are looked through for them: more than one inbox's share of them is rarely hidden.
LOOKED_AT = 60


def teach(message: Message, verdict: str, by: User, answer: str = "", record: str = "") -> Case:
    """Keep what somebody says of an answer; what they say last counts. answer: what should have
    been said, and record: what says it, if the answer was wrong."""
    answer, record = written(answer), record.strip()
    if verdict not in (RIGHT, WRONG):
        raise Refused("invalid", "An answer is right or wrong.")
    if len(answer) > LONGEST_ANSWER:
        raise Refused("invalid", f"Write at most {LONGEST_ANSWER} characters.")
    with transaction.atomic():
        conversation = locked(message.conversation_id)
        reply = reply_of(message, conversation)
        if record and not may_answer(record, conversation):
            raise Refused("not_found", "There is no such record that this customer may see.")
        turn = turn_at(conversation, reply.question)
        values = asked(turn) | expected(message, reply, turn, verdict, answer, record)
        values |= {"verdict": verdict, "by": by, "at": timezone.now(), "active": True}
        values |= {"inbox": conversation.visitor.inbox}
        case, _ = Case.objects.update_or_create(message=message, defaults=values)
        announce(conversation, taught=message.seq)
    return case


def take_back(message: Message) -> None:
    with transaction.atomic():
        conversation = locked(message.conversation_id)
        Case.objects.filter(message=message).delete()
        announce(conversation, taught=message.seq)


def reply_of(message: Message, conversation: Conversation) -> Reply:
    reply: Reply | None = getattr(message, "trace", None)
    if message.author != Message.Author.BOT or reply is None:
        raise Refused("not_found", "Only an answer of the bot can be judged.")
    if conversation.redacted_at:
        text = "Personal data was removed from this conversation, so nobody can judge its answers."
        raise Refused("invalid", text)
    return reply


def asked(turn: Turn) -> dict[str, Any]:
    """Return the fields of a case that say what was asked, by whom, and after what."""
    # How many questions had no answer is left out: only the conversation of now knows it.
    before = Talk(list(turn.history), list(turn.cited), turn.choices, turn.offered)
    return {
        "question": turn.text[-LONGEST_QUESTION:],
        "customer_id": turn.customer,
        "before": asdict(before) if turn.history else {},
    }


def expected(
    message: Message, reply: Reply, turn: Turn, verdict: str, answer: str, record: str
) -> dict[str, Any]:
    """Return the fields of a case that say what a right answer holds."""
    if verdict == RIGHT:
        return as_said(message.text, reply.state, message.citations, turn.text)
    groups = expectation(answer, turn.text)
    if answer and not groups and not record:
        groups = words(answer, turn.text)
    known = bool(groups or record)
    refused = reply.state in {Ending.REFUSED, Ending.HANDED_OFF}
    return {
        "expect": Ending.ANSWERED if refused and not known else groups,
        # Nobody has said what is right: then at least this is wrong.
        "forbid": [] if known or refused else split(message.text),
        "answer": answer,
        "record": record,
    }


def as_said(
    text: str, state: str, citations: list[dict[str, Any]], question: str
) -> dict[str, Any]:
    """Expect what a right answer has said: its facts and its first source, or how it ended."""
    values: dict[str, Any] = {"forbid": [], "answer": "", "record": ""}
    if state != Ending.ANSWERED:
        return values | {"expect": ENDINGS.get(state, state)}
    known = " ".join([question, *(str(row.get("title", "")) for row in citations)])
    cited = str(citations[0]["id"]) if citations else ""
    groups = expectation(text, known) or ([] if cited else words(text, known))
    return values | {"expect": groups, "record": cited}


# --- the records that a customer may be answered from


def may_answer(id: str, conversation: Conversation) -> bool:
    return any(row["id"] == id for row in found(Q(id=id), Q(pk=pk_of(id)), *seen_by(conversation)))


def offered(query: str, conversation: Conversation) -> list[dict[str, str]]:
    """Return records whose title or id has the words that somebody types; without words, those
    that the bot has cited or read in this conversation."""
    if query:
        text = Q(title__icontains=query)
        rows = found(text | Q(id__icontains=query), text, *seen_by(conversation))
    else:
        ids = read_in(conversation)
        rows = found(Q(id__in=ids), Q(pk__in=map(pk_of, ids)), *seen_by(conversation))
    return list(rows)[:OFFERED]


def seen_by(conversation: Conversation) -> tuple[str | None, str]:
    visitor = conversation.visitor
    return visitor.customer_id, visitor.inbox.key


def found(records: Q, articles: Q, customer: str | None, inbox: str) -> Iterator[dict[str, str]]:
    """Yield the records, and the articles that are not published yet, with their titles."""
    rows = Record.objects.filter(records & visible(customer), deleted=False)
    for record in rows.only("id", "title", "kind", "inboxes").order_by("title", "id")[:LOOKED_AT]:
        if meant_for(inbox, record.inboxes):
            yield {"id": record.id, "title": f"{record.title} ({record.kind})"}
    for article in unpublished().filter(articles)[:LOOKED_AT]:
        if meant_for(inbox, article.inboxes):
            yield {"id": article.record, "title": f"{article.title} (draft)"}


def unpublished() -> QuerySet[Article]:
    return Article.objects.filter(published=None).exclude(state=Article.State.ARCHIVED)


def pk_of(record: str) -> int:
    """Return the number of the article with this record; 0 for any other record."""
    number = record.removeprefix("articles/")
    return int(number) if number != record and number.isdecimal() and len(number) < 19 else 0


def read_in(conversation: Conversation) -> list[str]:
    replies = conversation.replies.order_by("-id")[:3]
    passages = [row for reply in replies for row in reply.passages]
    return list(dict.fromkeys(str(row["id"]) for row in passages))[:OFFERED]


def exists_for(record: str, customer: Customer | None, inbox: str = "") -> bool:
    """Tell whether a question of this customer can be answered from the record."""
    owner = customer.pk if customer else None
    return any(found(Q(id=record), Q(pk=pk_of(record)), owner, inbox))
