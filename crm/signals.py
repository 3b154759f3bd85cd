"""What the CRM says of people, for who keeps more of them than their records."""

from django.dispatch import Signal

# old, into: customers' ids. Within the transaction that moves the records.
customer_merged = Signal()
# customer: an id. Within the transaction that removes the records.
customer_erased = Signal()
