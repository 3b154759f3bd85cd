"""Signals by which other apps follow changes of customers, and answer what this app cannot know."""

from django.dispatch import Signal

# old, into: customers' ids. Sent within the transaction that moves the records.
customer_merged = Signal()
# Receivers return the URLs of servers to which no event may be sent.
own_servers = Signal()
# customers: all ids of one person. Sent within the transaction that removes the records.
customer_erased = Signal()
# key, answer: an idempotency key and the Answer to its request. A receiver that knows the key
# returns True.
action_answered = Signal()
# article, query: the parameters of the address of the form in which it was saved.
article_saved = Signal()
# Receivers return the key and the name of each inbox.
inboxes_listed = Signal()
