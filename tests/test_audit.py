"""The audit of packages says what it has not looked at, and .ci/run says it again at its end."""

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WELL: dict[str, Any] = {"name": "django", "version": "5.2", "vulns": []}
SKIPPED = {"name": "redis", "version": "8", "skip_reason": "Dependency not found on PyPI"}
BAD = WELL | {"vulns": [{"id": "CVE-1", "fix_versions": ["5.3"]}]}


def status(packages: list[Any], monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    spec = importlib.util.spec_from_file_location("audit", ROOT / "deploy/audit.py")
    assert spec and spec.loader
    audit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(audit)
    monkeypatch.setattr(audit, "audited", lambda _: packages)
    return int(audit.main(["site-packages", *options]))


def test_what_was_not_audited_is_said_and_fails_unless_it_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert status([WELL, SKIPPED], monkeypatch) == 1
    assert status([WELL, SKIPPED], monkeypatch, "--where-reachable") == 0
    assert capsys.readouterr().out.count("\nNOT AUDITED: 1 of 2 packages") == 1
    assert status([WELL], monkeypatch) == 0
    assert "NOT AUDITED" not in capsys.readouterr().out


def test_a_known_vulnerability_fails_also_where_others_were_not_audited(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert status([BAD, SKIPPED], monkeypatch, "--where-reachable") == 1
    assert "django 5.2: CVE-1, fixed in 5.3" in capsys.readouterr().out


def test_no_package_at_all_is_no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="NOT AUDITED"):
        status([], monkeypatch, "--where-reachable")


def test_the_check_of_a_checkout_ends_with_what_was_not_audited(tmp_path: Path) -> None:
    """The script with `make` replaced: the audit's line comes again after all tests."""
    make = tmp_path / "make"
    parts = "\n".join("echo '=== 3 passed in 1s ==='" for _ in range(4))
    make.write_text(
        "#!/bin/sh\ncase $1 in lint) echo 'NOT AUDITED: 9 of 9 packages.';; *)\n"
        + parts
        + ";; esac\n"
    )
    make.chmod(0o755)
    env = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        ["bash", ROOT / ".ci/run"], env=env | {"VENV": str(tmp_path / "venv")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert re.search(r"={80,}\nNOT AUDITED: 9 of 9 packages\.\n={80,}\n\Z", done.stdout)
