"""The commands around the sentiment classifier, on the committed weights."""

import json
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command

from chatbot.conversation import agents
from chatbot.engines import classifier
from chatbot.models import Conversation, Inbox, Message, Visitor
from tests.fakes import FakeClassifier

pytestmark = pytest.mark.django_db

PRAISE = ("that new board is sick", "filthy trick mate", "sick deck", "so filthy, I am dead")


@pytest.fixture(autouse=True)
def site_folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "sentiment"


@pytest.fixture
def dora(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("dora")


def typed(*words: str, **options: Any) -> str:
    output = StringIO()
    call_command(*words, stdout=output, stderr=StringIO(), **options)
    return output.getvalue()


def corrected(dora: Any, count: int, learning: bool = True) -> None:
    inbox = Inbox.objects.create(key="boards", name="Boards", learning=learning)
    visitor = Visitor.objects.create(inbox=inbox)
    conversation = Conversation.objects.create(visitor=visitor)
    for number in range(count):
        text = f"{PRAISE[number % len(PRAISE)]} {number}, mail charlie@shop.example"
        message = Message.objects.create(
            conversation=conversation,
            seq=number + 1,
            author="customer",
            text=text,
            label="negative",
        )
        agents.correct(message, "positive", dora)


def test_doras_corrections_are_learned_serve_at_once_and_can_be_taken_back(dora: Any) -> None:
    corrected(dora, 60)
    [before] = classifier.sentiment_classifier().score(["what a sick board"])
    assert "In service now: v1" in typed("sentiment_train", "--from-corrections")
    [after] = classifier.sentiment_classifier().score(["what a sick board"])
    assert after.score > before.score
    assert "the delivered weights" in typed("sentiment_train", "--rollback")
    [again] = classifier.sentiment_classifier().score(["what a sick board"])
    assert again == before


def test_without_consent_there_is_nothing_to_learn_from(dora: Any, site_folder: Path) -> None:
    corrected(dora, 60, learning=False)
    with pytest.raises(CommandError, match="0 corrections are too few: 40 are needed"):
        typed("sentiment_train", "--from-corrections")
    assert not site_folder.exists()


def test_the_export_names_nobody(dora: Any, tmp_path: Path) -> None:
    corrected(dora, 2)
    file = tmp_path / "corrections.jsonl"
    assert "2 corrections" in typed("sentiment_train", "--export", str(file))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert rows[0] == {
        "text": "that new board is sick 0, mail [email]",
        "label": "positive",
        "said": "negative",
    }


def test_there_is_nothing_before_the_delivered_weights() -> None:
    with pytest.raises(CommandError, match="nothing came before them"):
        typed("sentiment_train", "--rollback")


def test_the_report_says_what_to_type_when_there_is_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"manage.py sentiment_train$"):
        typed("sentiment_report", "--work", str(tmp_path))


def test_the_audit_prints_a_line_for_each_check() -> None:
    output = StringIO()
    command = "chatbot.management.commands.sentiment_audit"
    # A check that fails ends it with an exit code, after the table.
    with mock.patch(f"{command}.sentiment_classifier", FakeClassifier), suppress(CommandError):
        call_command("sentiment_audit", stdout=output, stderr=StringIO())
    assert "Arabic" in output.getvalue() and "negation" in output.getvalue()


def test_evaluate_prints_each_source_and_all(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    texts = {"negative": "I am furious", "neutral": "where is it?", "positive": "thank you so much"}
    file.write_text(
        "".join(
            json.dumps({"text": text, "label": label, "src": "own"}) + "\n"
            for label, text in texts.items()
        )
    )
    found = json.loads(typed("evaluate", "sentiment", str(file), "--json"))
    assert found["own"] == found["all"]
    assert found["all"]["rows"] == 3
    assert "macro-F1" in typed("evaluate", "sentiment", str(file))


def test_a_label_that_is_none_of_the_three_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "labelled.jsonl"
    file.write_text('{"text": "hm", "label": "angry"}\n')
    with pytest.raises(CommandError, match="labelled.jsonl cannot be used"):
        typed("evaluate", "sentiment", str(file))
