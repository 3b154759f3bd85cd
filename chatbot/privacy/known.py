"""What the CRM knows of a customer, by which they could be recognised."""

import re

from crm.models import Customer

# Fields of a customer's own record that say who or where they are.
PERSONAL = re.compile(
    r"name|mail|phone|mobile|address|street|post ?code|zip|birth|iban|account number|card",
    re.IGNORECASE,
)


def known_of(customer: Customer | None) -> list[str]:
    """What the CRM calls this customer: the whole name and its parts, the id, and the values of
    their own record by which they could be told."""
    if customer is None:
        return []
    own = customer.records.filter(kind="customer", deleted=False).values_list("fields", flat=True)
    values = [str(one) for fields in own for name, one in fields.items() if PERSONAL.search(name)]
    return [customer.name, *customer.name.split(), customer.id, *values]
