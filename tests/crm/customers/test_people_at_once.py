"""Merges, records and sign-ins at one moment, on PostgreSQL: `make test-services` runs these."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
from django.db import close_old_connections, connection
from django.test import TransactionTestCase

from chatbot.models import Inbox, Visitor
from chatbot.people import identity
from crm.customers import lifecycle
from crm.ids import aliases
from crm.knowledge import records
from crm.models import Customer, IndexState, Key, Passage, Record
from tests.fakes import order

pytestmark = [
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="SQLite has one writer; see make test-services"
    ),
    pytest.mark.services,
]
PEOPLE = ["alice", "bob", "charlie"]


def alone(work: Callable[[], object]) -> None:
    try:
        work()
    finally:
        close_old_connections()


class AtOnceTests(TransactionTestCase):
    def test_merges_in_circles_leave_one_person_with_everything(self) -> None:
        shop = Inbox.objects.create(key="shop", name="Shop")
        IndexState.objects.get_or_create()
        tokens = [identity.identity_token(shop, name) for name in PEOPLE]
        work: list[Callable[[], object]] = []
        for number, (old, into) in enumerate([*permutations(PEOPLE, 2)] * 4):
            rows = [order(number, old)]
            work.append(lambda old=old, into=into: lifecycle.merge(old, into))  # type: ignore[misc]
            work.append(lambda rows=rows: records.import_records(rows))  # type: ignore[misc]
            token = tokens[number % len(tokens)]
            work.append(lambda token=token: identity.identified(shop, token))  # type: ignore[misc]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(alone, work))
        (root,) = {aliases.root_of(name) for name in PEOPLE}
        assert Customer.objects.get(id=root).merged_into is None
        for model in (Record, Passage, Key, Visitor):
            owners = set(model._default_manager.values_list("customer_id", flat=True))
            assert owners == {root}, model
        assert Record.objects.count() == 24
