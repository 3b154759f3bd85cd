"""Files as companies have them, made where they are needed."""

import csv
import io
from typing import Any

from crm.importing import files, runs
from crm.models import Import, ImportPlan

HEAD = ["Order No", "Customer ID", "Product", "Status", "Ordered", "Delivery due", "Total (EUR)"]
HEAD += ["Internal note"]


def orders(count: int = 30) -> list[list[str]]:
    """Orders of a shop for boats, of alice and bob in turn; the dates of three may be read in two
    ways."""
    states = ["packed", "in transit", "delivered"]
    return [
        [
            f"B-{1000 + number}",
            ["alice", "bob"][number % 2],
            f"Rope {number} m",
            states[number % 3],
            f"{number % 19 + 10}/03/2026",
            f"{number % 19 + 10}/04/2026",
            f"{number}.50",
            "haggles",
        ]
        for number in range(count)
    ]


def as_csv(rows: list[list[Any]], head: list[str] = HEAD) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue().encode()


def given(name: str, content: bytes, plan: ImportPlan | None = None, **more: Any) -> Import:
    """Upload a file, and let the worker read it."""
    return worked(runs.start(name, files.keep(io.BytesIO(content)), plan, **more))


def worked(run: Import) -> Import:
    """Let the worker do what the import waits for."""
    runs.work_on_import(run.pk)
    return Import.objects.get(pk=run.pk)
