"""The pages of imports: alice leads the team, charlie answers customers, root runs Attune."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.importing import runs
from crm.models import Article, Import, ImportPlan, Record, RecordKind
from tests.chatbot.admin.console import SCRIPT, staff, text_of
from tests.crm.importing.samples import as_csv, given, orders, worked

pytestmark = pytest.mark.django_db
ADD, LIST = "/admin/crm/import/add/", "/admin/crm/import/"
RIGHTS = [f"{action}_import{plan}" for action in ("view", "add", "change") for plan in ("", "plan")]
CHOICES = {
    "name": "Till",
    "kind": "order",
    "role_id": "Order No",
    "role_customer": "Customer ID",
    "role_status": "Status",
    "left_out": ["Internal note"],
    "start": "1",
}


@pytest.fixture
def alice() -> Client:
    return staff(Client(), "alice", *RIGHTS)


def uploaded(client: Client, *files: tuple[str, bytes], plan: str = "") -> Any:
    sent = [SimpleUploadedFile(name, content) for name, content in files]
    return client.post(ADD, {"file": sent, "plan": plan})


def page(run: Import) -> str:
    return f"/admin/crm/import/{run.pk}/change/"


def posted(client: Client, run: Import, **changes: Any) -> str:
    given = {name: value for name, value in (CHOICES | changes).items() if value is not None}
    answer = client.post(page(run), given, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_alice_imports_her_orders_and_sees_them_before(alice: Client) -> None:
    assert "drop them here" in text_of(alice, ADD)
    answer = uploaded(alice, ("orders.csv", as_csv(orders(12))))
    run = Import.objects.get()
    assert answer.url == page(run)
    assert "reading the file" in text_of(alice, page(run))
    assert alice.get(f"{LIST}{run.pk}/progress/").json()["state"] == "reading"
    worked(run)
    html = text_of(alice, page(run))
    assert "12 rows found" in html
    assert '<option value="Order No" selected>' in html
    assert html.count("<h3><bdi>Order B-10") == 10
    assert "Ordered: 21 March 2026" in html, "the newest are shown"
    assert "haggles" not in html, "a column for the staff is left out unless somebody tells it"
    assert "haggles" in posted(alice, run, start=None, preview="1", left_out=[])

    assert "Being imported" in posted(alice, run)
    worked(run)
    html = text_of(alice, page(run))
    assert "12 created" in html
    assert Record.objects.get(id="till/B-1000").customer_id == "alice"
    assert RecordKind.objects.get().status == "Status"
    assert "12 created" in text_of(alice, LIST)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"role_id": ""}, "Choose the column whose value is different in each row."),
        ({"role_id": "Status"}, "Some rows have the same value in this column"),
        ({"role_customer": ""}, "or confirm below that everybody may see"),
        ({"shared": "on"}, "Each record has a customer: turn this off"),
        ({"kind": " "}, "This field is required|Say in one word"),
        ({"name": ""}, "This field is required"),
        ({"left_out": ["Status"]}, "“Status” is already used as Status."),
        ({"role_id": "No such"}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    alice: Client, changes: dict[str, Any], why: str
) -> None:
    run = waiting()
    html = posted(alice, run, **changes)
    assert any(part in html for part in why.split("|"))
    assert "Something is missing or wrong." in html
    assert not ImportPlan.objects.exists()
    assert Import.objects.get().state == Import.State.ASKING


def waiting(**changes: Any) -> Import:
    """An import of orders that has been read, without the file."""
    row = dict(zip(("Order No", "Customer ID", "Status"), ("B-1", "alice", SCRIPT), strict=True))
    row["Internal note"] = "haggles"
    preview = {
        "part": "table", "file": "orders.csv", "table": "orders.csv", "columns": [*row],
        "rows": [row], "own_form": False, "unique": ["Order No"], "ambiguous": False,
        "day_first": None, "kind": "order", "guessed": {"id": "Order No"}, "left_out": [],
        "alone": True, "asks": [],
    }  # fmt: skip
    return Import.objects.create(
        name="orders.csv", state=Import.State.ASKING, total=1, preview=preview | changes
    )


def test_cells_are_texts_and_never_markup(alice: Client) -> None:
    run = waiting()
    html = posted(alice, run, start=None, preview="1")
    assert "<script>alert" not in html
    assert "for the customer <bdi>alice</bdi>" in html


def test_ambiguous_dates_are_asked_about(alice: Client) -> None:
    run = waiting(ambiguous=True)
    assert "Dates begin with" in text_of(alice, page(run))
    assert "05/04/2026 can be in April or in May" in posted(alice, run)
    posted(alice, run, order="month")
    assert ImportPlan.objects.get().day_first is False


def test_records_in_attunes_own_form_keep_their_ids_only_if_root_says_so(
    alice: Client, root: Client
) -> None:
    run = waiting(own_form=True)
    assert "own_ids" not in text_of(alice, page(run))
    assert "own_ids" in text_of(root, page(run))
    posted(alice, run, own_ids="on")
    plan = ImportPlan.objects.get()
    assert (plan.own_ids, plan.columns) == (False, {})


def test_alice_does_not_take_a_crms_ids_by_way_of_the_plan(alice: Client, root: Client) -> None:
    run = waiting(own_form=True)
    posted(alice, run)
    plan = ImportPlan.objects.get()
    url = f"/admin/crm/importplan/{plan.pk}/change/"
    assert "own_ids" not in text_of(alice, url)
    for client, may in ((alice, False), (root, True)):
        client.post(url, {"name": "Till", "own_ids": "on", "every_hours": "0"})
        plan.refresh_from_db()
        assert plan.own_ids is may


def test_a_page_that_there_is_not_is_not_found(root: Client) -> None:
    for address in ("import/none/change/", "importplan/none/import_now/"):
        assert root.get(f"/admin/crm/{address}").status_code == 404


def test_a_column_tells_each_rows_kind_and_the_preview_shows_both(alice: Client) -> None:
    head = ["No", "Client", "Type", "State", "Signed on"]
    rows = [[f"L-{n}", "alice", "Lease", "Running", f"{n + 1:02}/01/2026"] for n in range(28)]
    rows += [[f"W-{n}", "bob", "Workshop order", "Booked", "17/03/2025"] for n in range(28)]
    uploaded(alice, ("leases.csv", as_csv(rows, head)))
    html = text_of(alice, page(worked(run := Import.objects.get())))
    assert '<option value="Type" selected>' in html
    assert html.count("<h3><bdi>") == 10
    assert "<h3><bdi>Workshop order W-" in html
    assert "Lease L-27" in html, "the newest are shown"

    given: dict[str, Any] = {
        "name": "Desk",
        "kind": "lease",
        "role_id": "No",
        "role_customer": "Client",
    }
    given |= {"role_kind": "Type", "role_status": "State", "left_out": [], "start": "1"}
    assert "It names one kind only, or more than 12" in posted(
        alice, run, **given | {"role_kind": "No"}
    )
    posted(alice, run, **given)
    worked(run)
    order = Record.objects.get(id="desk/W-3")
    assert (order.kind, order.title) == ("workshop_order", "Workshop order W-3")
    assert "Type" not in order.fields
    confirmed = RecordKind.objects.filter(confirmed=True, status="State")
    assert {kind.name for kind in confirmed} == {"lease", "workshop_order"}


def test_the_list_of_imports_says_what_is_busy_and_has_one_way_to_add(alice: Client) -> None:
    uploaded(alice, ("a.md", b"# A"), ("b.csv", as_csv(orders(2))))
    html = text_of(alice, LIST)
    assert html.count("<span data-busy>reading the file") == 2
    assert "Import files" in html
    assert "Add import" not in html
    table, texts = Import.objects.order_by("-name")
    worked(texts), worked(table)
    assert page(table) in posted(alice, texts, name="Texts", kind=None)


def test_twelve_texts_are_one_import_and_become_articles(alice: Client) -> None:
    texts = [(f"{n}.md", f"# Port {n}\n\nOpen from {n}.".encode()) for n in range(1, 13)]
    uploaded(alice, *texts, ("orders.csv", as_csv(orders(1))))
    table, documents = Import.objects.order_by("id")
    assert (table.name, documents.name) == ("orders.csv", "12 documents")
    worked(documents)
    assert "Port 12" in text_of(alice, page(documents))
    posted(alice, documents, name="Documents", publish="on")
    assert worked(documents).counts == {"created": 12}
    assert Article.objects.filter(state="published").count() == 12


def test_only_files_that_can_be_read_are_taken(alice: Client) -> None:
    assert "photo.png cannot be imported" in uploaded(alice, ("photo.png", b"x")).content.decode()
    assert "submitted file is empty" in uploaded(alice, ("a.csv", b"")).content.decode()
    assert not Import.objects.exists()


def test_errors_can_be_saved_and_hold_no_formula(alice: Client) -> None:
    run = waiting()
    Import.objects.update(
        state="done", errors=[["row 2", "=cmd|' /C calc'!A0"]], counts={"errors": 1}
    )
    assert "1 not imported" in text_of(alice, page(run))
    saved = alice.get(f"{LIST}{run.pk}/errors/").content.decode()
    assert saved.splitlines() == ["where,why", "row 2,'=cmd|' /C calc'!A0"]


def test_cancelling(alice: Client) -> None:
    run = waiting()
    assert alice.get(f"{LIST}{run.pk}/cancel/").status_code == 405
    html = alice.post(f"{LIST}{run.pk}/cancel/", follow=True).content.decode()
    assert "Cancelled" in html
    assert not runs.begin(run, ImportPlan.objects.create(name="Till"))


def test_charlie_sees_and_starts_nothing() -> None:
    run = waiting()
    charlie = staff(Client(), "charlie", "view_record", "view_customer")
    for url in (ADD, LIST, page(run), f"{LIST}{run.pk}/progress/", f"{LIST}{run.pk}/errors/"):
        assert charlie.get(url).status_code == 403
    assert charlie.post(f"{LIST}{run.pk}/cancel/").status_code == 403
    auditor = staff(Client(), "dora", "view_import", "view_importplan")
    assert "Start the import" not in text_of(auditor, page(run))
    assert auditor.post(page(run), CHOICES).status_code == 403
    assert auditor.post(f"{LIST}{run.pk}/cancel/").status_code == 403
    assert uploaded(auditor, ("a.csv", b"a\n1")).status_code == 403
    assert not ImportPlan.objects.exists()


def test_a_plan_is_corrected_and_what_it_brought_is_removed(alice: Client, root: Client) -> None:
    run = given("orders.csv", as_csv(orders(4)))
    posted(alice, run)
    worked(run)
    plan = ImportPlan.objects.get()
    url = f"/admin/crm/importplan/{plan.pk}/change/"
    html = text_of(alice, url)
    assert '<option value="Order No" selected>' in html
    changes = {**CHOICES, "role_total": "Total (EUR)", "every_hours": "0", "place": "/etc"}
    assert "KNOWLEDGE_FOLDERS" in alice.post(url, changes).content.decode()
    alice.post(url, changes | {"place": "", "order": "day"})
    plan.refresh_from_db()
    assert plan.columns["total"] == "Total (EUR)"
    assert plan.namespace == "till"
    dora = staff(Client(), "dora", "view_importplan")
    assert "Number or id: Order No" in text_of(dora, url)

    confirm = f"/admin/crm/importplan/{plan.pk}/remove_all/"
    assert alice.get(confirm).status_code == 403
    assert "4 records and 0 articles" in text_of(root, confirm)
    root.post(confirm)
    assert not Record.objects.filter(deleted=False).exists()
    assert (
        "Give this import plan a folder or an address"
        in alice.get(f"/admin/crm/importplan/{plan.pk}/import_now/", follow=True).content.decode()
    )


def test_a_plan_without_files_yet_can_be_made(root: Client, tmp_path: Any, settings: Any) -> None:
    settings.KNOWLEDGE_FOLDERS = [str(tmp_path)]
    url = "/admin/crm/importplan/add/"
    assert "Where files come from" in text_of(root, url)
    root.post(url, {"name": "Help texts", "place": str(tmp_path), "every_hours": "24"})
    assert ImportPlan.objects.get().namespace == "help-texts"
