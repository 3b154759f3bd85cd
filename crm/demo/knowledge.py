"""Shared knowledge that every visitor sees: the help articles and the products."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from crm.demo import shop

WRITTEN = date(2026, 9, 1)


def articles() -> Iterator[dict[str, Any]]:
    for path in sorted((shop.FOLDER / "articles").glob("*.md")):
        yield article_record(path)


def article_record(path: Path) -> dict[str, Any]:
    heading, _, text = path.read_text(encoding="utf-8").partition("\n")
    title = heading.removeprefix("# ").strip()
    return shop.record(f"article:{path.stem}", "article", None, title, text.strip(), {}, WRITTEN)


def products() -> Iterator[dict[str, Any]]:
    for product in shop.products().values():
        yield product_record(product)


def product_record(product: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in product.items() if name != "text"}
    return shop.record(
        f"product:{product['sku']}",
        "product",
        None,
        product["name"],
        product["text"],
        fields | {"currency": "EUR"},
        shop.TODAY,
    )
