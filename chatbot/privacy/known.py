"""The data in the CRM by which a customer could be recognised."""

import re

from crm.models import Customer

# Names of the fields of a customer's record that identify or locate them.
PERSONAL = re.compile(
    r"name|mail|phone|mobile|address|street|post ?code|zip|birth|iban|account number|card",
    re.IGNORECASE,
)


def known_of(customer: Customer | None) -> list[str]:
    """List the customer's name and its parts, their id, and the personal values of their record."""
    if customer is None:
        return []
    own = customer.records.filter(kind="customer", deleted=False).values_list("fields", flat=True)
    values = [str(value) for row in own for name, value in row.items() if PERSONAL.search(name)]
    return [customer.name, *customer.name.split(), customer.id, *values]
