"""What the CRM says of people, for who keeps more of them than their records; and what the CRM's
part asks of whoever knows."""

from django.dispatch import Signal

# old, into: customers' ids. Within the transaction that moves the records.
customer_merged = Signal()
# Answered with the URLs of servers that no event may be sent to.
own_servers = Signal()
# customers: all ids of one person. Within the transaction that removes the records.
customer_erased = Signal()
# key, answer: an idempotency key, and an Answer to its request. Who knows the key returns True.
action_answered = Signal()
