"""Conversations by what was said in them, or by who the customer is.

PostgreSQL has the words of each message in an index, and finds a word by its beginning; SQLite
looks at every message, and finds a word's parts too.
"""

import re
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from chatbot.models import Conversation, Message, MessageWords
from crm.models import Customer

# As lists show somebody without a name: "Visitor 1a2b3c4d".
VISITOR = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
FIRST, LAST = "0" * 24, "f" * 24
# Words in more messages than this, or of more customers, are looked for conversation by
# conversation, newest first, which soon finds enough of them; rarer ones by the index, all at once.
COMMON, COMMON_NAMES = 10_000, 2_000
# Each word is a query or two; nobody types more to find a conversation again.
LONGEST, MOST_WORDS = 1_000, 12


def found(text: str) -> Q:
    """Conversations in which every word of the text was said, or names the customer."""
    said = text.removeprefix("Visitor ")[:LONGEST].split()
    words = [word for word in dict.fromkeys(said) if re.search(r"\w", word)][:MOST_WORDS]
    every = Q() if words else Q(pk=None)
    for word in words:
        every &= of_word(word)
    return every


def of_word(word: str) -> Q:
    messages, customers = said(word), named(word)
    if len(customers) > COMMON_NAMES or messages[COMMON:].exists():
        return Q(Exists(beside(messages))) | Q(visitor__customer__name__icontains=word)
    # One subquery for both: an OR of two would look at every conversation.
    visitors = Q(visitor__customer__in=customers) | numbered(word)
    theirs = Conversation.objects.order_by().filter(visitors).values_list("id")
    return Q(id__in=messages.values_list("conversation_id").union(theirs))


def beside(messages: QuerySet[Any]) -> QuerySet[Any]:
    """Of the conversation at hand. Its last_seq, which holds of every message, keeps PostgreSQL
    from gathering those of all conversations first."""
    return messages.filter(conversation=OuterRef("pk"), seq__lte=OuterRef("last_seq"))


def named(word: str) -> list[str]:
    """Customers; one more than COMMON_NAMES of them says that there are too many."""
    of = Q(name__icontains=word) | Q(id=word)
    return list(
        Customer.objects.order_by().filter(of).values_list("id", flat=True)[: COMMON_NAMES + 1]
    )


def numbered(word: str) -> Q:
    if VISITOR.fullmatch(word):
        return Q(visitor__id__range=(UUID(word + FIRST), UUID(word + LAST)))
    return Q()


def said(word: str) -> QuerySet[Any]:
    if connection.vendor != "postgresql":
        return Message.objects.order_by().filter(text__icontains=word)
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    query = SearchQuery(f"'{quoted}':*", config="simple", search_type="raw")
    return MessageWords.objects.filter(words=query)
