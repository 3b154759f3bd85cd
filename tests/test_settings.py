"""Each setting is an environment variable; a wrong one is refused by its name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatbot.config import environment

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLOUR", "COLOUR_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_an_unset_variable_has_its_default() -> None:
    assert environment.env("COLOUR", "green") == "green"
    assert environment.env_int("COLOUR", 7) == 7
    assert environment.env_list("COLOUR", "a,b") == ["a", "b"]


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("blue\n")
    monkeypatch.setenv("COLOUR_FILE", str(tmp_path / "secret"))
    assert environment.env("COLOUR") == "blue"


def test_a_secret_file_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR_FILE", "/nowhere/at-all")
    with pytest.raises(ImproperlyConfigured, match=r"COLOUR_FILE=/nowhere/at-all"):
        environment.env("COLOUR")


@pytest.mark.parametrize(("text", "value"), [("1", True), ("YES", True), ("false", False)])
def test_yes_and_no_in_several_spellings(
    monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("COLOUR", text)
    assert environment.env_bool("COLOUR", not value) is value


def test_neither_yes_nor_no_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "perhaps")
    with pytest.raises(ImproperlyConfigured, match="COLOUR"):
        environment.env_bool("COLOUR", True)


def test_a_word_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "many")
    with pytest.raises(ImproperlyConfigured, match="COLOUR must be a number"):
        environment.env_int("COLOUR", 1)


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "1e400", "8000.5", "", "٣x"])
def test_a_number_that_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("COLOUR", value)
    with pytest.raises(ImproperlyConfigured, match="COLOUR must be a"):
        environment.env_int("COLOUR", 1)


def test_none_of_what_there_must_be_one_of_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "0")
    with pytest.raises(ImproperlyConfigured, match="COLOUR must be a number, 1 or more"):
        environment.env_int("COLOUR", 1, least=1)


@pytest.mark.parametrize("zone", ["Nowhere", "", "../etc/passwd", "Europe/", "/etc/localtime"])
def test_a_time_zone_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("COLOUR", zone)
    with pytest.raises(ImproperlyConfigured, match="COLOUR must be a time zone"):
        environment.env_zone("COLOUR", "UTC")


def test_a_choice_names_what_there_is_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "loud")
    with pytest.raises(ImproperlyConfigured, match="COLOUR must be INFO or ERROR, not 'loud'"):
        environment.env_choice("COLOUR", "", "INFO", "ERROR")


def test_a_secret_file_that_holds_no_text_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"\xff\xfe\x00")
    monkeypatch.setenv("COLOUR_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match="COLOUR_FILE=.* cannot be read"):
        environment.env("COLOUR")


def test_a_list_has_no_empty_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", " red, ,blue,")
    assert environment.env_list("COLOUR") == ["red", "blue"]


def test_a_database_url_names_its_parts() -> None:
    found = environment.database("postgresql://alice:p%40ss@db:5433/attune", pool=20)
    assert (found["USER"], found["PASSWORD"]) == ("alice", "p@ss")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db", "5433", "attune")


def test_another_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        environment.database("mysql://db/attune", pool=20)


def loaded_with(data_dir: Path, name: str, **env: str) -> str:
    """The setting as a fresh interpreter sees it."""
    done = subprocess.run(
        [sys.executable, "-c", f"from chatbot import settings; print(settings.{name})"],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(data_dir), **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_the_secret_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first, second = (loaded_with(tmp_path, "SECRET_KEY") for _ in range(2))
    assert len(first) > 50
    assert first == second
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_the_demo_is_off_where_debug_is_off(tmp_path: Path) -> None:
    assert loaded_with(tmp_path, "DEMO", DEBUG="0") == "False"
    assert loaded_with(tmp_path, "DEMO", DEBUG="0", DEMO="1") == "True"


def test_pairs_are_taken_apart_and_half_a_pair_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.env_pairs("COLOUR") == {}
    monkeypatch.setenv("COLOUR", "support=Agent, support leads = Team lead")
    assert environment.env_pairs("COLOUR") == {"support": "Agent", "support leads": "Team lead"}
    monkeypatch.setenv("COLOUR", "support")
    with pytest.raises(ImproperlyConfigured, match="COLOUR"):
        environment.env_pairs("COLOUR")
