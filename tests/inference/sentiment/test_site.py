"""Learning on site: a site's agents teach its own words, and the old is not forgotten."""

import json
from pathlib import Path

import pytest

import inference
from inference.sentiment import Classifier, site

WEIGHTS = Path(inference.__file__).parent / "weights" / "sentiment"
# Here "sick" and "filthy" are praise: words that the delivered heads hear as anger.
PRAISE = ("that new board is sick", "filthy trick mate", "sick deck", "so filthy, I am dead")
CALM = ("which deck is in stock", "is the shop open on monday", "do you have wheels in blue")


def corrections(count: int, praise: str = "positive") -> list[tuple[str, str]]:
    pairs = [(f"{text} {n}", praise) for n in range(count) for text in PRAISE]
    return [*pairs, *((f"{text} {n}", "neutral") for n in range(count) for text in CALM)]


@pytest.fixture(scope="module")
def delivered() -> Classifier:
    return Classifier.load(WEIGHTS)


def test_what_agents_corrected_is_learned_promoted_and_rolled_back(
    delivered: Classifier, tmp_path: Path
) -> None:
    verdict = site.learn(delivered, WEIGHTS, corrections(12), tmp_path)
    assert verdict.version == "v1", verdict
    active = site.active(tmp_path)
    assert active is not None
    taught = Classifier.load(WEIGHTS, active)
    [before], [after] = (one.score(["what a sick board"]) for one in (delivered, taught))
    assert after.score > before.score
    manifest = json.loads((active.parent / "manifest.json").read_text())
    assert manifest["after"]["held out"]["macro_f1"] > manifest["before"]["held out"]["macro_f1"]
    assert site.roll_back(tmp_path) == ""
    assert site.active(tmp_path) is None
    with pytest.raises(FileNotFoundError, match="nothing came before"):
        site.roll_back(tmp_path)


def test_the_second_version_rolls_back_to_the_first(delivered: Classifier, tmp_path: Path) -> None:
    site.learn(delivered, WEIGHTS, corrections(12), tmp_path)
    first = site.active(tmp_path)
    version = site._save(delivered.heads, {}, tmp_path)
    site.activate(tmp_path, version)
    assert site.roll_back(tmp_path) == "v1"
    assert site.active(tmp_path) == first


def test_corrections_that_teach_nothing_are_refused(delivered: Classifier, tmp_path: Path) -> None:
    right = [(f"{text} {n}", "neutral") for n in range(20) for text in CALM]
    verdict = site.learn(delivered, WEIGHTS, right, tmp_path)
    assert verdict.version == ""
    assert verdict.reason.startswith("no better on held-out corrections")
    assert site.active(tmp_path) is None


@pytest.mark.slow
def test_a_joker_who_calls_everything_positive_is_refused(
    delivered: Classifier, tmp_path: Path
) -> None:
    angry = "I am furious", "terrible service", "you lost my parcel, shame on you", "I hate this"
    jokes = [(f"{text} {n}", "positive") for n in range(200) for text in angry]
    verdict = site.learn(delivered, WEIGHTS, jokes, tmp_path)
    assert verdict.version == ""
    assert "forgets" in verdict.reason


def test_a_handful_of_corrections_is_too_few(delivered: Classifier, tmp_path: Path) -> None:
    with pytest.raises(site.TooFew, match="40 are needed"):
        site.learn(delivered, WEIGHTS, corrections(1), tmp_path)
