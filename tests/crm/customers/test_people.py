"""Customers that go on as others, in any order; customers that are erased, by any of their ids."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as PropertyTestCase

from chatbot.models import Conversation, Inbox, Visitor
from chatbot.people import identity
from crm.customers import lifecycle
from crm.ids import aliases
from crm.knowledge import records, search
from crm.models import Customer, Key, Passage, Record, Tombstone
from crm.plumbing import storable
from tests.fakes import order

pytestmark = [pytest.mark.django_db, pytest.mark.services]
LATER = "2026-11-09T00:00:00Z"


def has_order(customer: str, number: int = 1) -> None:
    report = records.import_records([order(number, customer) | {"updated_at": LATER}])
    assert not report.errors


def owners() -> set[str | None]:
    """Of whatever is searched: records, passages and keys."""
    rows: list[Any] = [Record, Passage, Key]
    return {id for model in rows for id in model.objects.values_list("customer_id", flat=True)}


def test_a_merge_of_the_merged_one_arrives_where_that_one_went() -> None:
    for number, name in enumerate(("alice", "bob", "charlie")):
        has_order(name, number)
    lifecycle.merge("alice", "bob")
    lifecycle.merge("charlie", "alice")
    assert owners() == {"bob"}
    has_order("charlie", 9)
    assert owners() == {"bob"}
    assert aliases.all_ids("charlie") == ["bob", "alice", "charlie"]


def test_a_merge_back_changes_nothing_and_nobody_is_merged_into_themselves() -> None:
    has_order("alice")
    lifecycle.merge("alice", "bob")
    lifecycle.merge("bob", "alice")
    assert dict(Customer.objects.values_list("id", "merged_into")) == {"alice": "bob", "bob": None}
    assert owners() == {"bob"}
    with pytest.raises(storable.RecordError, match="same customer"):
        lifecycle.merge("bob", "bob")


def test_a_name_goes_along_where_the_other_has_none() -> None:
    Customer.objects.create(id="alice", name="Alice Ash")
    lifecycle.merge("alice", "bob")
    assert Customer.objects.get(id="bob").name == "Alice Ash"


def test_a_merge_into_somebody_erased_is_declined_and_the_living_keep_what_they_have() -> None:
    has_order("alice")
    lifecycle.erase("bob")
    with pytest.raises(storable.RecordError, match="'bob' was erased, so 'alice' cannot be merged"):
        lifecycle.merge("alice", "bob")
    assert owners() == {"alice"}
    assert Customer.objects.get(id="alice").merged_into is None


def test_who_was_erased_is_not_brought_back_by_a_merge_into_somebody_living() -> None:
    lifecycle.erase("alice")
    lifecycle.merge("alice", "bob")
    has_order("alice")
    assert not Record.objects.exists()


@pytest.mark.parametrize("named", ["alice", "bob", "charlie"])
def test_by_any_of_their_ids_the_whole_person_is_erased(named: str) -> None:
    Customer.objects.create(id="alice", name="Alice Ash")
    shop = Inbox.objects.create(key="shop", name="Shop")
    Conversation.objects.create(visitor=Visitor.objects.create(inbox=shop, customer_id="alice"))
    for number, name in enumerate(("alice", "bob", "charlie", "dora")):
        has_order(name, number)
    lifecycle.merge("alice", "bob")
    lifecycle.merge("bob", "charlie")
    lifecycle.erase(named)
    assert owners() == {"dora"}
    assert not Conversation.objects.exists()
    erased = Customer.objects.exclude(erased_at=None)
    assert set(erased.values_list("id", "name")) == {("alice", ""), ("bob", ""), ("charlie", "")}
    for number, name in enumerate(("alice", "bob", "charlie")):
        has_order(name, number + 10)
    assert owners() == {"dora"}, "what comes late is not kept"
    assert Tombstone.objects.filter(scope="charlie").exists()


def test_a_deletion_of_who_was_merged_leaves_the_other_one() -> None:
    has_order("alice")
    lifecycle.merge("alice", "bob")
    lifecycle.erase_deleted("alice")
    assert owners() == {"bob"}
    lifecycle.erase_deleted("bob")
    assert not Record.objects.exists()


def test_who_signs_in_under_an_old_id_is_the_same_visitor() -> None:
    shop = Inbox.objects.create(key="shop", name="Shop")
    lifecycle.merge("alice", "bob")
    lifecycle.merge("charlie", "alice")
    found = {
        identity.identified(shop, identity.identity_token(shop, name)).id
        for name in ("alice", "bob", "charlie", " bob\u200b")
    }
    assert len(found) == 1
    assert Visitor.objects.get().customer_id == "bob"


PEOPLE = ["alice", "bob", "charlie", "dora"]
steps = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)),
        st.tuples(st.just("erase"), st.sampled_from(PEOPLE), st.just("")),
        st.tuples(st.just("delete"), st.sampled_from(PEOPLE), st.just("")),
        st.tuples(st.just("tell"), st.sampled_from(PEOPLE), st.just("")),
    ),
    max_size=10,
)


class AnyOrderTests(PropertyTestCase):
    @given(steps)
    def test_every_alias_points_at_a_root_and_everything_is_found_under_every_alias(
        self, steps: list[tuple[str, str, str]]
    ) -> None:
        told: dict[str, str] = {}
        erased: set[str] = set()
        for number, (what, one, other) in enumerate(steps):
            group = set(aliases.all_ids(one))
            if what == "merge":
                try:
                    lifecycle.merge(one, other)
                except storable.RecordError:
                    assert one == other or aliases.root_of(other) in erased
            elif what == "tell":
                told[f"order:{number}"] = one
                has_order(one, number)
            elif what == "erase" or not lifecycle.is_alias(one):
                lifecycle.erase_deleted(one) if what == "delete" else lifecycle.erase(one)
                erased |= group
                told = {record: owner for record, owner in told.items() if owner not in group}
            told = {record: owner for record, owner in told.items() if owner not in erased}
        for customer in Customer.objects.select_related("merged_into"):
            if root := customer.merged_into:
                assert root.merged_into_id is None
                assert (customer.erased_at is None) == (root.erased_at is None)
        for record, owner in told.items():
            for alias in aliases.all_ids(owner):
                mine = search.visible(aliases.resolve(alias))
                assert Key.objects.filter(mine, record=record).exists(), (record, alias)
        assert set(Record.objects.values_list("id", flat=True)) == set(told)
        assert owners() <= {aliases.root_of(one) for one in told.values()}
