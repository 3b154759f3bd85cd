"""What the matcher of wishes learns from."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from inference.wishes import training  # noqa: E402
from inference.wishes.training import Asked, asked, case, without  # noqa: E402

pytestmark = pytest.mark.slow
ACTIONS = (("Returns", "send back"), ("Cancel an order", "stop it"), ("Call back", "ring me"))


class ByLength:
    """A reader to which longer passages are nearer."""

    def scores(self, text: str, passages: list[str]) -> list[np.ndarray]:
        return [np.array([len(passage)], np.float32) for passage in passages]


def test_a_wish_is_laid_out_beside_the_nearest_actions_first() -> None:
    laid = case(ByLength(), Asked("ring me", ACTIONS, 2))  # type: ignore[arg-type]
    assert [title for title, _ in laid.lines] == ["Cancel an order", "Returns", "Call back"]
    assert laid.right == (False, False, True)
    assert laid.answer == ("Call back", "ring me")


def test_what_a_company_does_not_offer_is_no_wish() -> None:
    wishes = [Asked(f"stop it {n}", ACTIONS, 1) for n in range(200)]
    found = without([*wishes, Asked("hello", ACTIONS, None)])
    assert 30 < len(found) < 90
    assert {one.wished for one in found} == {None}
    assert {one.actions for one in found} == {(ACTIONS[0], ACTIONS[2])}


def test_the_writer_who_gives_the_thresholds_is_not_trained_on() -> None:
    taught, kept = ({one.text for one in asked(dev)} for dev in (False, True))
    assert len(taught) > 3_000 and len(kept) > 400
    assert taught & kept == {"human please"}
    assert {"willow"} == training.DEV
