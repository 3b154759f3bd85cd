"""What a table's columns mean, guessed from their names and values."""

from typing import Any

import pytest

from crm.importing import columns, guesses


def guessed(table: str, head: str, *rows: str, times: int = 8) -> tuple[dict[str, str], list[str]]:
    """Guess from rows written with semicolons, repeated with other numbers in place of #."""
    names = head.split("; ")
    cells = [row.replace("#", str(100 + time)) for time in range(times) for row in rows]
    table_rows: list[Any] = [
        (number, dict(zip(names, row.split("; "), strict=True))) for number, row in enumerate(cells)
    ]
    found = columns.looked_through(names, table_rows)
    chosen = guesses.roles(found, guesses.kind(table))
    return chosen, guesses.left_out(found, chosen.values())


@pytest.mark.parametrize(
    ("table", "head", "rows", "roles", "left_out"),
    [
        (
            "orders_2026.csv",
            "Customer ID; Order ID; Order date; Expected delivery; Delivered on; Status; Total; "
            "VAT",
            ["alice; #1; 2026-03-01; 2026-03-04; 2026-03-05; packed; 12.50; 2.00",
             "bob; #2; 2026-03-02; 2026-03-04; ; delivered; 12.50; 2.00"],
            {"customer": "Customer ID", "id": "Order ID", "own_date": "Order date",
             "expected_date": "Expected delivery", "done_date": "Delivered on",
             "status": "Status", "total": "Total"},
            [],
        ),
        (
            "Rechnungen.xlsx: Tabelle1",
            "Rechnungsnummer; Kundennummer; Rechnungsdatum; Fällig am; Betrag; Interne Notiz",
            ["R#; K1; 01.03.2026; 15.03.2026; €12.50; zahlt spät"],
            {"id": "Rechnungsnummer", "customer": "Kundennummer", "own_date": "Rechnungsdatum",
             "expected_date": "Fällig am", "total": "Betrag"},
            ["Interne Notiz"],
        ),
        (
            "bookings.csv",
            "ref; email; customer_name; phase; starts; last_modified; price; margin",
            ["Z#; alice@mail.example; Alice; open; 2026-05-01; 2026-04-01; 80; 9",
             "Y#; bob@mail.example; Bob; closed; 2026-05-02; 2026-04-02; 90; 9"],
            {"id": "ref", "customer": "email", "updated_at": "last_modified",
             "own_date": "starts", "status": "phase", "total": "price"},
            ["margin"],
        ),
        (
            "orders.csv",
            "Order no; Customer email; Engraving text status; Total; Status; Dispatched",
            ["Q#; alice@mail.example; text received; 80; delivered; 2026-05-01",
             "R#; bob@mail.example; text awaited; 90; on hold; "],
            {"id": "Order no", "customer": "Customer email", "total": "Total",
             "status": "Status", "done_date": "Dispatched"},
            [],
        ),
        (
            "faq.csv",
            "Question; Answer",
            ["May I bring dog #?; Yes. " + "Dogs are welcome on all our boats. " * 4],
            {"id": "Question", "title": "Question", "text": "Answer"},
            [],
        ),
    ],
)  # fmt: skip
def test_roles(
    table: str, head: str, rows: list[str], roles: dict[str, str], left_out: list[str]
) -> None:
    found, hidden = guessed(table, head, *rows)
    if table == "faq.csv":  # The text of a question tells the rows apart.
        assert found["id"] == "Question"
    assert found == roles
    assert hidden == left_out


def test_two_people_may_have_one_name_and_two_rows_one_number() -> None:
    found, _ = guessed("orders.csv", "Customer name; Number", "Alice; 7", "Bob; 7")
    assert found == {}


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("orders_2026.csv", "order"),
        ("export-open-invoices_Q3_final.xlsx: Sheet1", "invoice"),
        ("all.xlsx: Bookings", "booking"),
        ("archive/2026/deliveries.csv", "delivery"),
        ("OpenTickets.csv", "ticket"),
        ("data.csv", "record"),
        ("2026.csv", "record"),
    ],
)
def test_the_kind_is_in_the_name_of_the_file(table: str, kind: str) -> None:
    assert guesses.kind(table) == kind
