"""The demo company holds together: its records agree with each other and with its articles."""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from crm import demo
from crm.demo import shop
from crm.demo.suggestions import headline, suggestions

RECORDS = {record["id"]: record for record in demo.records()}
ROOT = Path(__file__).parents[3]


def working_days_between(start: date, end: date) -> int:
    """After `start`, up to and including `end`."""
    days = range(1, (end - start).days + 1)
    return sum(shop.is_working_day(start + timedelta(days=number)) for number in days)


def of_kind(kind):
    return [record for record in RECORDS.values() if record["kind"] == kind]


def rendered(record):
    return json.dumps(record, ensure_ascii=False).lower()


def day(text):
    return date.fromisoformat(text)


def cents(amount):
    return round(amount * 100)


def owner(order):
    return RECORDS[f"customer:{order['customer']}"]["fields"]


def article(name):
    return RECORDS[f"article:{name}"]["text"]


def digest():
    lines = "\n".join(json.dumps(record, sort_keys=True) for record in demo.records())
    return hashlib.sha256(lines.encode()).hexdigest()


# The set as a whole


def test_the_company_has_its_size():
    counts = Counter(record["kind"] for record in demo.records())
    assert counts["article"] == 27
    assert counts["product"] == 40
    assert counts["customer"] == 60
    assert counts["order"] == 200
    assert counts["parcel"] > 150
    assert counts["return"] > 10


def test_record_ids_are_unique():
    assert len(RECORDS) == sum(1 for _ in demo.records())


def test_every_record_has_the_import_form():
    for record in RECORDS.values():
        assert list(record) == [
            "id", "kind", "customer", "title", "text", "fields", "updated_at", "deleted",
        ]  # fmt: skip
        assert record["title"] and record["text"]
        assert record["deleted"] is False
        assert record["updated_at"][:10] <= shop.TODAY.isoformat()
        assert json.loads(json.dumps(record)) == record


def test_only_articles_and_products_are_shared():
    shared = {record["kind"] for record in RECORDS.values() if record["customer"] is None}
    owned = {record["kind"] for record in RECORDS.values() if record["customer"] is not None}
    assert shared == {"article", "product"}
    assert owned == {"customer", "order", "parcel", "return"}


def test_two_calls_give_the_same_records():
    assert list(demo.records()) == list(demo.records())


def test_a_fresh_process_gives_the_same_records():
    code = "from tests.crm.demo.test_demo import digest; print(digest())"
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest()


def test_the_demo_needs_no_django():
    code = "import sys, crm.demo; list(crm.demo.records()); print('django' in sys.modules)"
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == "False"


def test_articles_are_short_enough_to_read_in_a_chat():
    for record in of_kind("article"):
        assert 80 <= len(record["text"].split()) <= 250, record["id"]


def test_customers_are_reachable_nowhere_real():
    for record in of_kind("customer"):
        assert re.search(r"@example\.(com|org|net)$", record["fields"]["e-mail"])
        assert re.match(
            r"\+353 20 91|\+44 7700 900|\+49 (30 23125|40 66969|89 99998|221 4710|69 90009) "
            r"|\+33 6 39 98|\+46 70 174 06",
            record["fields"]["phone"],
        )
    assert len({record["fields"]["e-mail"] for record in of_kind("customer")}) == 60


# Orders


def test_every_customer_has_between_one_and_eight_orders():
    counts = Counter(order["customer"] for order in of_kind("order"))
    assert len(counts) == 60
    assert min(counts.values()) == 1
    assert max(counts.values()) == 8


def test_aoife_owns_the_order_of_the_documentation():
    assert RECORDS["order:10482"]["customer"] == "cust_1"
    assert RECORDS["order:10482"]["fields"]["status"] == "in transit"


def test_order_numbers_grow_with_the_days():
    orders = of_kind("order")
    numbers = [int(order["fields"]["order number"]) for order in orders]
    days = [order["fields"]["order date"] for order in orders]
    assert numbers == list(range(10301, 10501))
    assert days == sorted(days)


def test_nobody_orders_before_becoming_a_customer():
    for order in of_kind("order"):
        assert owner(order)["customer since"] <= order["fields"]["order date"], order["id"]


def test_every_item_is_a_product_at_its_price():
    for order in of_kind("order"):
        for item in order["fields"]["items"]:
            product = RECORDS[f"product:{item['sku']}"]["fields"]
            assert item["product"] == product["name"]
            assert item["unit price"] == product["unit price"]
            assert item.get("size") in product.get("sizes", [None]), order["id"]
            assert item.get("colour") in product.get("colours", [None]), order["id"]


def test_totals_add_up():
    for order in of_kind("order"):
        fields = order["fields"]
        items = sum(cents(item["unit price"]) * item["quantity"] for item in fields["items"])
        assert cents(fields["subtotal"]) == items
        parts = items - cents(fields["discount"]) + cents(fields["delivery cost"])
        assert cents(fields["total"]) == parts, order["id"]
        assert (fields["discount"] > 0) == ("discount reason" in fields)


def policy():
    """Region -> standard cost, express cost, free from: read from what customers read."""
    prices = re.findall(
        r"- ([A-Z][\w ]+?)(?:, all 32 counties)?: standard EUR ([\d.]+).*?Express EUR ([\d.]+)",
        article("delivery"),
    )
    free = dict(re.findall(r"- ([A-Z][\w ]+): EUR (\d+)", article("free-delivery")))
    return {
        name: (cents(float(standard)), cents(float(express)), cents(float(free[name])))
        for name, standard, express in prices
    }


@pytest.fixture(scope="module", name="policy")
def policy_fixture():
    return policy()


def test_the_articles_name_three_regions(policy):
    assert set(policy) == {"Ireland", "Great Britain", "European Union"}


def test_delivery_is_charged_as_the_articles_say(policy):
    for order in of_kind("order"):
        fields, customer = order["fields"], owner(order)
        standard, express, free_from = policy[shop.region(customer).name]
        goods = cents(fields["subtotal"]) - cents(fields["discount"])
        free = goods >= free_from or customer["loyalty tier"] == "Summit"
        charged = {
            "Standard delivery": 0 if free else standard,
            "Express delivery": express,
        }.get(fields["delivery method"], 0)
        assert cents(fields["delivery cost"]) == charged, order["id"]


def test_the_articles_tell_the_delivery_days_of_the_orders():
    for region in {region.name: region for region in shop.REGION_OF.values()}.values():
        line = next(line for line in article("delivery").splitlines() if f"- {region.name}" in line)
        first, last = region.services["standard"].days
        assert f"{first} to {last} working days" in line
        assert region.carrier in article("delivery")


def test_gas_leaves_ireland_with_nobody():
    for order in of_kind("order"):
        fields = order["fields"]
        if any(item["sku"] == "FH-GAS-230" for item in fields["items"]):
            assert shop.region(owner(order)) is shop.IRELAND, order["id"]
            assert fields["delivery method"] != "Express delivery", order["id"]


def test_days_of_an_order_follow_each_other():
    for order in of_kind("order"):
        fields = order["fields"]
        names = ("order date", "ready to collect since", "shipped date", "delivered date",
                 "collected date")  # fmt: skip
        days = [fields[name] for name in names if name in fields]
        assert days == sorted(days), order["id"]
        assert days[-1] <= shop.TODAY.isoformat(), order["id"]
        if "expected delivery" in fields and "shipped date" in fields:
            assert fields["expected delivery"] > fields["shipped date"]


def test_the_status_fits_the_days():
    for order in of_kind("order"):
        fields = order["fields"]
        status = fields["status"]
        assert ("delivered date" in fields) == (status in {"delivered", "returned"}), order["id"]
        assert ("collected date" in fields) == (status == "collected"), order["id"]
        assert ("cancelled date" in fields) == (status == "cancelled"), order["id"]
        if status in {"being packed", "awaiting payment", "pre-ordered", "cancelled"}:
            assert "shipped date" not in fields, order["id"]
        if status == "being packed":
            waited = working_days_between(day(fields["order date"]), shop.TODAY)
            assert waited <= 2, order["id"]
        if status == "in transit":
            assert day(fields["expected delivery"]) > shop.TODAY, order["id"]
        if status == "delayed":
            assert day(fields["expected delivery"]) < shop.TODAY, order["id"]


def test_the_year_has_open_and_closed_stories():
    statuses = {order["fields"]["status"] for order in of_kind("order")}
    assert statuses >= {
        "delivered", "in transit", "being packed", "delayed", "returned", "cancelled", "refunded",
        "partly delivered", "pre-ordered", "collected", "ready to collect", "awaiting payment",
    }  # fmt: skip


def test_a_newsletter_code_is_for_the_first_order():
    for order in of_kind("order"):
        if "first order" in order["fields"].get("discount reason", ""):
            theirs = [other for other in of_kind("order") if other["customer"] == order["customer"]]
            assert theirs[0] == order


# Parcels, returns, points


def test_parcels_belong_to_the_customer_of_their_order():
    for parcel in of_kind("parcel"):
        order = RECORDS[f"order:{parcel['fields']['order number']}"]
        assert parcel["customer"] == order["customer"]
        assert parcel["fields"]["carrier"] == shop.region(owner(order)).carrier
        if "purpose" not in parcel["fields"]:
            assert parcel["fields"]["tracking number"] in order["fields"]["tracking number"]


def test_every_tracking_number_has_its_parcel():
    for order in of_kind("order"):
        numbers = order["fields"].get("tracking number", "")
        assert bool(numbers) == ("shipped date" in order["fields"])
        for number in filter(None, numbers.split(", ")):
            assert f"parcel:{number}" in RECORDS


def test_a_parcel_travels_on_working_days_and_in_order():
    for parcel in of_kind("parcel"):
        fields = parcel["fields"]
        order = RECORDS[f"order:{fields['order number']}"]["fields"]
        days = [line.partition(":")[0] for line in fields["history"]]
        assert days == sorted(days), parcel["id"]
        assert order["order date"] < days[0] == fields["shipped date"]
        assert days[-1] <= shop.TODAY.isoformat()
        assert shop.is_working_day(day(fields["shipped date"])), parcel["id"]
        if "delivered date" in fields:
            assert days[-1] == fields["delivered date"]
            assert shop.is_working_day(day(fields["delivered date"])), parcel["id"]


def test_returns_keep_to_their_window():
    for returned in of_kind("return"):
        order = RECORDS[f"order:{returned['fields']['order number']}"]
        assert returned["customer"] == order["customer"]
        assert returned["fields"]["return number"] in order["fields"]["return number"]
        if returned["fields"]["type"] != "warranty repair":
            window = 30 if owner(order)["loyalty tier"] == "Path" else 60
            waited = day(returned["fields"]["requested date"])
            waited -= day(order["fields"]["delivered date"])
            assert timedelta(0) <= waited <= timedelta(days=window), returned["id"]


def test_refunds_come_in_time_and_in_full():
    for returned in of_kind("return"):
        fields = returned["fields"]
        if "refund date" in fields:
            waited = working_days_between(day(fields["received date"]), day(fields["refund date"]))
            assert 0 <= waited <= 5, returned["id"]
        if "refund amount" in fields:
            order = RECORDS[f"order:{fields['order number']}"]["fields"]
            item = next(i for i in order["items"] if fields["item"].startswith(i["product"]))
            price = cents(item["unit price"]) * item["quantity"] - cents(fields["return postage"])
            extra = cents(fields["refund amount"]) - price
            assert extra in (0, cents(order["delivery cost"])), returned["id"]
            assert order["discount"] == 0, "a refund would have to share the discount"


def test_the_return_label_costs_what_the_article_says():
    amount = float(re.search(r"we take EUR ([\d.]+) off", article("returns"))[1])
    for returned in of_kind("return"):
        if "return postage" in returned["fields"]:
            order = RECORDS[f"order:{returned['fields']['order number']}"]
            home = shop.region(owner(order)) is shop.IRELAND
            assert returned["fields"]["return postage"] == (0 if home else amount)


def test_an_exchange_names_the_parcel_with_the_new_size():
    for returned in of_kind("return"):
        if "new parcel" in returned["fields"]:
            parcel = RECORDS[f"parcel:{returned['fields']['new parcel']}"]
            assert parcel["customer"] == returned["customer"]
            assert returned["fields"].get("size wanted", "") in parcel["fields"]["contents"]


def test_points_are_never_below_zero():
    assert all(record["fields"]["loyalty points"] >= 0 for record in of_kind("customer"))


def test_articles_and_products_agree():
    boots = RECORDS["product:FH-BOT-201"]["fields"]["sizes"]
    assert {"EU 38", "EU 46"} <= set(boots)
    assert "Gannet 5 tunnel tent" in article("pre-orders")
    assert RECORDS["product:FH-TNT-520"]["fields"]["ships from"] == "2027-03-01"
    assert "1 March 2027" in article("pre-orders")
    assert RECORDS["product:FH-MAT-060"]["fields"]["back in stock"] == "2026-12-07"
    assert "7 December 2026" in article("pre-orders")


# What the demo page offers


def test_aoife_is_greeted_with_her_orders():
    assert headline("cust_1") == "3 orders, one on its way"
    assert suggestions("cust_1")[0] == "When will order 10482 be here?"


def test_a_visitor_is_offered_shared_knowledge_only():
    assert headline(None) == "Not signed in"
    assert len(suggestions(None)) == 3
    assert not any(re.search(r"\d{5}|RMA", question) for question in suggestions(None))


def test_everybody_gets_three_questions_about_their_own_matters():
    for customer in shop.customers():
        asked = suggestions(customer)
        assert len(set(asked)) == 3
        assert headline(customer)
        for number in re.findall(r"\b\d{5}\b", " ".join(asked)):
            assert RECORDS[f"order:{number}"]["customer"] == customer
        for number in re.findall(r"RMA-\d+", " ".join(asked)):
            assert RECORDS[f"return:{number}"]["customer"] == customer
