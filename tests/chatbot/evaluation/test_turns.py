"""Conversations are held turn by turn: each but the first follows the one before."""

from chatbot.evaluation.turns import turns

TALK = {
    "company": "bins",
    "customer": "c1",
    "today": "2026-11-20",
    "turns": [
        {"text": "my bin?", "expect": [["thursday"]], "of": ["bins"]},
        {"text": "and the green one?", "expect": "refuse", "forbid": ["friday"], "of": []},
    ],
}


def test_each_turn_is_a_question_that_follows_the_one_before() -> None:
    first, second = turns(TALK, 2)
    assert (first["id"], first["kind"], first["follows"]) == ("bins 3.1", "first", False)
    assert (second["id"], second["kind"], second["follows"]) == ("bins 3.2", "follow-up", True)
    assert (second["customer"], second["today"]) == ("c1", "2026-11-20")
    assert (first["forbid"], second["forbid"]) == ([], ["friday"])


def test_a_message_is_asked_as_a_whole() -> None:
    message = TALK | {"text": "my bin? and the green one?", "expect": [["thursday"], ["friday"]]}
    [asked] = turns(message, 0)
    assert (asked["question"], asked["kind"]) == ("my bin? and the green one?", "first")
    assert asked["expect"] == [["thursday"], ["friday"]]
