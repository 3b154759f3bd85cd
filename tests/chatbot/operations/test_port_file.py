"""A file in DATA_DIR that says nothing about the model server's port is no reason to stop."""

from pathlib import Path

import pytest

from chatbot.config.environment import noted_port

DAMAGED = [b"", b" ", b"80x", b"\xff\xfe\x00", b"99999", b"0", b"-1", b"1" * 9_000, "²".encode()]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_file_counts_as_none(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "slm_port").write_bytes(damaged)
    assert noted_port(tmp_path / "slm_port", 8080) == 8080


def test_a_missing_file_and_a_folder_of_that_name_count_as_none(tmp_path: Path) -> None:
    assert noted_port(tmp_path / "slm_port", 8080) == 8080
    assert noted_port(tmp_path, 8080) == 8080


def test_what_serve_has_written_is_found(tmp_path: Path) -> None:
    (tmp_path / "slm_port").write_text("18080\n")
    assert noted_port(tmp_path / "slm_port", 8080) == 18080
