"""Judges an answer of the bot, which becomes a test question with what a right answer holds."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from chatbot.conversation.changes import announce, locked
from chatbot.models import Case, Conversation, Message, Reply
from chatbot.models.replies import Ending
from chatbot.reply.ask import before
from chatbot.reply.runner import turn_at
from chatbot.reply.turn import Turn
from chatbot.teaching.expectations import answering, expectation, words
from chatbot.wire.errors import Refused
from crm.knowledge.keys import normalise
from crm.knowledge.records import ARTICLES
from crm.knowledge.search import meant_for, visible
from crm.models import Article, Key, Record
from inference.evaluation.answers import REFUSE
from inference.sentences import split
from inference.text import written

LONGEST_QUESTION, LONGEST_ANSWER = 4_000, 2_000
MAY_TEACH = "chatbot.add_case"
RIGHT, WRONG = Case.Verdict.RIGHT, Case.Verdict.WRONG
# Records that are offered to choose from.
OFFERED = 12
# The list puts this after a title: "Returns (article)", "Order (order) [till/17]".
LISTED = re.compile(r" \([^()]{1,100}\)(?: \[[^\[\]]{1,200}\])?$")
# Rows that are read to find them: some may be for other inboxes only.
LOOKED_AT = 60


def teach(message: Message, verdict: str, by: User, answer: str = "", record: str = "") -> Case:
    """Keep what somebody says of an answer; what they say last counts. answer: what should have
    been said, and record: what says it, if the answer was wrong."""
    answer, record = written(answer), record.strip()
    if verdict not in (RIGHT, WRONG):
        raise Refused("invalid", "Choose whether the answer was right or wrong.")
    if len(answer) > LONGEST_ANSWER:
        raise Refused("invalid", f"Write at most {LONGEST_ANSWER} characters.")
    with transaction.atomic():
        conversation = locked(message.conversation_id)
        reply = reply_of(message, conversation)
        record = record and resolved(record, *seen_by(conversation))
        turn = turn_at(conversation, reply.question)
        said = Said(turn.text, message.text, reply.state, message.citations)
        values = asked(turn) | expected(said, verdict, answer, record)
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
    return {
        "question": turn.text[-LONGEST_QUESTION:],
        "customer_id": turn.customer,
        "before": asdict(before(turn)) if turn.history else {},
    }


@dataclass(frozen=True)
class Said:
    """An answer that somebody judges: what was asked, and what was said with which sources."""

    question: str
    text: str
    state: str
    citations: list[dict[str, Any]]


def expected(said: Said, verdict: str, answer: str = "", record: str = "") -> dict[str, Any]:
    """Return the fields of a case that say what a right answer holds."""
    if verdict == RIGHT:
        return as_said(said)
    groups = expectation(answer, said.question)
    if answer and not groups and not record:
        groups = words(answer, said.question)
    known = bool(groups or record)
    refused = said.state in {Ending.REFUSED, Ending.HANDED_OFF}
    return {
        "expect": Ending.ANSWERED if refused and not known else groups,
        # Nobody has said what is right: then at least this is wrong.
        "forbid": [] if known or refused else split(said.text),
        "answer": answer,
        "record": record,
    }


def as_said(said: Said) -> dict[str, Any]:
    """Expect what a right answer has said of its first source, or how it ended."""
    values: dict[str, Any] = {"forbid": [], "answer": "", "record": ""}
    if said.state != Ending.ANSWERED:
        return values | {"expect": REFUSE if said.state == Ending.REFUSED else said.state}
    known = " ".join([said.question, *(str(row.get("title", "")) for row in said.citations)])
    first = said.citations[0] if said.citations else {}
    text = answering(said.text, str(first.get("quote", "")))
    groups = expectation(text, known) or ([] if first else words(text, known))
    return values | {"expect": groups, "record": str(first.get("id", ""))}


# --- the records that a customer may be answered from


def resolved(text: str, customer: str | None, inbox: str) -> str:
    """Return the id of the record that somebody has named: by its id or title, as the list offers
    it. Raises Refused."""
    title, id = LISTED.sub("", text), text.rpartition(" [")[2].removesuffix("]")
    records = Q(id__in=[text, id]) | Q(title__iexact=title)
    articles = Q(pk__in=[pk_of(text), pk_of(id)]) | Q(title__iexact=title)
    rows = list(found(records, articles, customer, inbox))
    exact = [row for row in rows if text in (row["id"], row["title"], with_id(row))]
    named = {row["id"] for row in exact or rows}
    if len(named) > 1:
        raise Refused("invalid", "Several records have that title. Choose one from the list.")
    if not named:
        text = "This customer may see no such record. Choose one from the list."
        raise Refused("not_found", text)
    return named.pop()


def with_id(row: dict[str, str]) -> str:
    return f"{row['title']} [{row['id']}]"


def titled(id: str) -> str:
    """Return how the list offers the record; its id if there is no such record any more."""
    record = Record.objects.filter(id=id, deleted=False).only("title", "kind").first()
    if record is None:
        article = unpublished().filter(pk=pk_of(id)).first()
        return draft_row(article)["title"] if article else id
    # By their keys: an index, where titles have none.
    alike = Key.objects.filter(value=normalise(record.title), record__deleted=False)
    row, is_only = record_row(record), not alike.exclude(record=record).exists()
    return row["title"] if is_only else with_id(row)


def record_row(record: Record) -> dict[str, str]:
    return {"id": record.id, "title": f"{record.title} ({record.kind})"}


def draft_row(article: Article) -> dict[str, str]:
    return {"id": article.record, "title": f"{article.title} (draft)"}


def offered(query: str, conversation: Conversation) -> list[dict[str, str]]:
    """Return records whose title or id has the words that somebody types; without words, those
    that the bot has cited or read in this conversation."""
    if query:
        return offered_to(query, *seen_by(conversation))
    ids = read_in(conversation)
    rows = found(Q(id__in=ids), Q(pk__in=map(pk_of, ids)), *seen_by(conversation))
    return told_apart(list(rows)[:OFFERED])


def offered_to(query: str, customer: str | None, inbox: str) -> list[dict[str, str]]:
    """Return records that this customer may see, by words of their title or id."""
    text = Q(title__icontains=query)
    rows = found(text | Q(id__icontains=query), text, customer, inbox)
    return told_apart(list(rows)[:OFFERED])


def told_apart(listed: list[dict[str, str]]) -> list[dict[str, str]]:
    """Add their ids to the titles that are alike."""
    count = Counter(row["title"] for row in listed)
    return [row if count[row["title"]] == 1 else row | {"title": with_id(row)} for row in listed]


def seen_by(conversation: Conversation) -> tuple[str | None, str]:
    visitor = conversation.visitor
    return visitor.customer_id, visitor.inbox.key


def found(records: Q, articles: Q, customer: str | None, inbox: str) -> Iterator[dict[str, str]]:
    """Yield the records, and the articles that are not published yet, with their titles."""
    rows = Record.objects.filter(records & visible(customer), deleted=False)
    for record in rows.only("id", "title", "kind", "inboxes").order_by("title", "id")[:LOOKED_AT]:
        if meant_for(inbox, record.inboxes):
            yield record_row(record)
    for article in unpublished().filter(articles)[:LOOKED_AT]:
        if meant_for(inbox, article.inboxes):
            yield draft_row(article)


def unpublished() -> QuerySet[Article]:
    return Article.objects.filter(published=None).exclude(state=Article.State.ARCHIVED)


def pk_of(record: str) -> int:
    """Return the number of the article with this record; 0 for any other record."""
    number = record.removeprefix(ARTICLES)
    return int(number) if number != record and number.isdecimal() and len(number) < 19 else 0


def read_in(conversation: Conversation) -> list[str]:
    replies = conversation.replies.order_by("-id")[:3]
    passages = [row for reply in replies for row in reply.passages]
    return list(dict.fromkeys(str(row["id"]) for row in passages))[:OFFERED]
