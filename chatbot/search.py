"""Conversations by what was said in them, or by who the customer is.

PostgreSQL has an index of the words (migration 0016), in which a word is found by its beginning.
SQLite looks at every message, and finds its parts too.
"""

import re
from typing import Any
from uuid import UUID

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection
from django.db.models import Q, QuerySet

from chatbot.models import Conversation, Message

# As lists show somebody without a name: "Visitor 1a2b3c4d".
VISITOR = re.compile(r"[0-9a-f]{8}", re.IGNORECASE)
FIRST, LAST = "0" * 24, "f" * 24


def found(text: str) -> Q:
    """Conversations in which every word of the text was said, or names the customer."""
    words = [word for word in text.removeprefix("Visitor ").split() if re.search(r"\w", word)]
    every = Q() if words else Q(pk=None)
    for word in words:
        # One subquery for each: an OR of two would look at every conversation.
        every &= Q(id__in=said(word).union(of_customer(word)))
    return every


def said(word: str) -> QuerySet[Any, Any]:
    messages = Message.objects.order_by()
    if connection.vendor != "postgresql":
        return messages.filter(text__icontains=word).values_list("conversation_id")
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    query = SearchQuery(f"'{quoted}':*", config="simple", search_type="raw")
    spoken = messages.annotate(words=SearchVector("text", config="simple"))
    return spoken.filter(words=query).values_list("conversation_id")


def of_customer(word: str) -> QuerySet[Any, Any]:
    of = Q(visitor__customer__name__icontains=word) | Q(visitor__customer=word)
    if VISITOR.fullmatch(word):
        of |= Q(visitor__id__range=(UUID(word + FIRST), UUID(word + LAST)))
    return Conversation.objects.order_by().filter(of).values_list("id")
