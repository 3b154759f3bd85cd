"""Searches conversations by their messages and by the customer's name or id.

PostgreSQL uses an index of words, and finds a word by its beginning. SQLite reads every message,
and also finds parts of words.
"""

import re
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from chatbot.models import Conversation, Message, MessageWords
from crm.models import Customer

# Lists show visitors without a name as "Visitor 1a2b3c4d".
VISITOR = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
FIRST, LAST = "0" * 24, "f" * 24
# A word in more messages or customers than this is searched conversation by conversation, newest
# first, which soon finds enough. A rarer word is searched in the index, all at once.
COMMON, COMMON_NAMES = 10_000, 2_000
# Each word takes a query or two, and nobody types more words to find a conversation.
LONGEST, MOST_WORDS = 1_000, 12


def matching(text: str) -> Q:
    """Select conversations where each word of the text is in a message or names the customer."""
    typed = text.removeprefix("Visitor ")[:LONGEST].split()
    words = [word for word in dict.fromkeys(typed) if re.search(r"\w", word)][:MOST_WORDS]
    condition = Q() if words else Q(pk=None)
    for word in words:
        condition &= with_word(word)
    return condition


def with_word(word: str) -> Q:
    messages, customers = messages_with(word), customers_with(word)
    if len(customers) > COMMON_NAMES or messages[COMMON:].exists():
        # The condition on last_seq always holds. It keeps PostgreSQL from first gathering the
        # messages of all conversations.
        own = messages.filter(conversation=OuterRef("pk"), seq__lte=OuterRef("last_seq"))
        return Q(Exists(own)) | Q(visitor__customer__name__icontains=word)
    # One subquery for both, since an OR of two would read every conversation.
    visitors = Q(visitor__customer__in=customers) | visitor_numbered(word)
    theirs = Conversation.objects.order_by().filter(visitors).values_list("id")
    return Q(id__in=messages.values_list("conversation_id").union(theirs))


def customers_with(word: str) -> list[str]:
    """List customers by name or id, at most COMMON_NAMES and one more, which shows that there are
    too many."""
    named = Q(name__icontains=word) | Q(id=word)
    return list(
        Customer.objects.order_by().filter(named).values_list("id", flat=True)[: COMMON_NAMES + 1]
    )


def visitor_numbered(word: str) -> Q:
    if VISITOR.fullmatch(word):
        return Q(visitor__id__range=(UUID(word + FIRST), UUID(word + LAST)))
    return Q()


def messages_with(word: str) -> QuerySet[Any]:
    if connection.vendor != "postgresql":
        return Message.objects.order_by().filter(text__icontains=word)
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    query = SearchQuery(f"'{quoted}':*", config="simple", search_type="raw")
    return MessageWords.objects.filter(words=query)
