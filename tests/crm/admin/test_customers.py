"""Customers' pages: who they are under which ids, and that two of them are one."""

import pytest
from django.test import Client

from crm.admin.asked import page_of
from crm.customers import lifecycle
from crm.models import Customer, Record, Source
from tests.chatbot.admin.console import staff, text_of
from tests.crm.ids.test_namespaces import added, tells, ticket

pytestmark = [pytest.mark.django_db, pytest.mark.services]
PAGE = "/admin/crm/customer/desk_2F501/change/"


def link_page(html: str) -> str:
    return next(part for part in html.split('"') if part.endswith("/link/"))


@pytest.fixture(autouse=True)
def of_the_desk() -> None:
    tells(added("desk", "zendesk"), ticket("1", "501"))
    Customer.objects.create(id="cust_1", name="Alice Ash")


def test_root_says_that_two_are_one(root: Client) -> None:
    url = link_page(text_of(root, PAGE))
    assert "Merge desk/501 into another customer" in text_of(root, url)
    assert "There is no customer" in root.post(url, {"into": "cust_2"}).content.decode()
    answer = root.post(url, {"into": " cust_1 "}, follow=True).content.decode()
    assert "desk/501 was merged into cust_1" in answer
    assert Record.objects.get().customer_id == "cust_1"
    assert "merged into" in text_of(root, PAGE)
    assert "desk/501" in text_of(root, "/admin/crm/customer/cust_1/change/")


def test_a_merge_that_cannot_be_is_explained(root: Client) -> None:
    lifecycle.erase("cust_1")
    url = link_page(text_of(root, PAGE))
    answer = root.post(url, {"into": "cust_1"}, follow=True).content.decode()
    assert "Nothing was changed" in answer
    assert Record.objects.get().customer_id == "desk/501"


def test_who_may_not_change_sources_links_nobody() -> None:
    alice = staff(Client(), "alice", "view_customer", "view_record")
    html = text_of(alice, PAGE)
    assert "Merge into another customer" not in html
    assert not [part for part in html.split('"') if part.endswith("/link/")]
    assert alice.post("/admin/crm/customer/desk_2F501/link/", {"into": "cust_1"}).status_code in (
        403,
        404,
    )
    assert Record.objects.get().customer_id == "desk/501"


def test_the_pages_of_an_id_with_a_namespace_open(root: Client) -> None:
    assert "desk/501" in text_of(root, "/admin/chatbot/erasure/of/desk/501/")
    assert root.get("/admin/chatbot/erasure/held/desk/501/").status_code == 200
    lifecycle.merge("desk/501", "cust_1")
    assert "desk/501" in text_of(root, "/admin/chatbot/erasure/of/cust_1/")


def test_the_form_of_a_source_asks_whose_ids_it_names(root: Client) -> None:
    assert "Ours: it uses the ids" in text_of(root, "/admin/crm/source/add/")
    given = {"dialect": "zammad", "active": "on", "mapping": "{}"}
    root.post("/admin/crm/source/add/", given | {"name": "fon"})
    root.post("/admin/crm/source/add/", given | {"name": "own", "own_ids": "yes"})
    spaces = dict(Source.objects.values_list("name", "namespace"))
    assert spaces == {"desk": "desk", "fon": "fon", "own": ""}
    fon = Source.objects.get(name="fon")
    assert "kept as fon/" in text_of(root, f"/admin/crm/source/{fon.id}/change/")
    assert "kept as desk/" in text_of(root, "/admin/crm/source/")


@pytest.mark.parametrize("id", ["cust_40", "cust_2342", "desk/9", "a b"])
def test_back_from_a_question_leads_to_the_same_customer(root: Client, id: str) -> None:
    """The admin reads "_40" in an address as "@"."""
    alice = Customer.objects.create(id=id, name="Alice Oak")
    html = text_of(root, page_of(alice))
    assert "Alice Oak" in html
    assert f'href="{page_of(alice)}"' in text_of(root, link_page(html))
