"""The default number of processes and threads respects what a container may use."""

from pathlib import Path

import pytest

from chatbot.config import cores as config
from chatbot.config.cores import cores


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("site/cpu.max", "200000 100000", 2),
        ("site/cpu.max", "150000 100000", 1),
        ("site/cpu.max", "10000 100000", 1),
        ("site/cpu.max", "max 100000", 6),
        ("site/cpu.max", "900000 100000", 6),
        ("cpu/cpu.cfs_quota_us", "300000", 3),
        ("cpu/cpu.cfs_quota_us", "-1", 6),
        ("nothing", "", 6),
    ],
)
def test_cores_are_those_that_the_container_leaves(
    file: str, text: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config.os, "sched_getaffinity", lambda _: set(range(6)))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    (tmp_path / file).write_text(text)
    (tmp_path / "own").write_text("0::/site\n")
    assert cores(tmp_path, tmp_path / "own") == expected
