"""JSON lines: files are read plain or gzipped, and a broken line is described."""

import gzip
from pathlib import Path

import pytest

from inference import json_lines

CONTENT = b'{"name": "alice"}\n\n{"name": "b\xc3\xb6b"}\n'
NAMES = [{"name": "alice"}, {"name": "böb"}]


def test_alices_file_is_read_plain_and_gzipped(tmp_path: Path) -> None:
    (tmp_path / "names.jsonl").write_bytes(CONTENT)
    (tmp_path / "names.jsonl.gz").write_bytes(gzip.compress(CONTENT))
    assert list(json_lines.rows(tmp_path / "names.jsonl")) == NAMES
    assert list(json_lines.rows(tmp_path / "names.jsonl.gz")) == NAMES


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "is not JSON: "),
        (b'"\xff"', "is not UTF-8 text"),
        ("[" * 100_000, "is nested too deeply"),
        ("9" * 5_000, "is not JSON: "),
    ],
)
def test_a_broken_line_is_described(line: str | bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        json_lines.value(line)
