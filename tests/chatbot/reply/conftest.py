"""Alice, and an empty memory of what the fields of records mean."""

import pytest

from chatbot.engines import kinds
from crm.models import Customer


@pytest.fixture
def nothing_known() -> None:
    kinds.forget()


@pytest.fixture
def alice() -> Customer:
    return Customer.objects.create(id="cust_1", name="Alice Ash")
