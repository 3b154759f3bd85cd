"""The messages that hearing is trained on keep to their form."""

from pathlib import Path

import pytest

import inference
from inference.sentiment import LABELS

FILES = sorted((Path(inference.__file__).parent / "sentiment" / "messages").glob("*.tsv"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_has_a_label_a_kind_and_a_message(path: Path) -> None:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert {len(row) for row in rows} == {3}
    assert {row[0] for row in rows} == set(LABELS)
    assert all(row[1] and row[2].strip() for row in rows)


def test_no_message_comes_twice() -> None:
    said = [line.split("\t")[2].lower() for path in FILES for line in path.read_text().splitlines()]
    assert sorted(said) == sorted(set(said))
