"""A full disk below the log, or below an upload: people are told, and nothing ends by it."""

import errno
import io
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from django.core.files import uploadhandler
from django.test import Client

from chatbot.management.commands.serve import unbuffered
from chatbot.models import Attachment
from tests.chatbot.attachments.test_access import Customer, alice, fresh, inbox  # noqa: F401

pytestmark = pytest.mark.django_db
UPLOAD = Path(__file__).parents[3] / "chatbot/static/chatbot/attachments/upload.js"
FULL = OSError(errno.ENOSPC, "No space left on device")


class Full(io.StringIO):
    """A log file on a full disk, which the first word finds out and the flush again."""

    def write(self, text: str) -> int:
        raise FULL

    def flush(self) -> None:
        raise FULL


@pytest.fixture
def full_log() -> Iterator[None]:
    handler = logging.StreamHandler(Full())
    logging.getLogger().addHandler(handler)
    with mock.patch("sys.stderr", Full()):
        yield
    logging.getLogger().removeHandler(handler)


def test_a_request_is_answered_although_its_line_cannot_be_written(full_log: None) -> None:
    assert Client().get("/livez").status_code == 200
    logging.getLogger("attune").error("nobody reads this")


def test_alices_upload_gets_a_clear_refusal_although_neither_it_nor_the_log_has_room(
    alice: Customer,  # noqa: F811
    full_log: None,
) -> None:
    with mock.patch("chatbot.attachments.store.ContentFile", side_effect=FULL):
        answer = alice.upload()
    assert (answer.status_code, "no room" in answer.json()["detail"]) == (507, True)
    assert not Attachment.objects.exists()
    assert alice.upload().status_code == 201, "the process goes on"


def test_a_large_upload_that_finds_no_room_for_its_draft_is_refused_so_too(
    alice: Customer,  # noqa: F811
    settings: object,
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # type: ignore[attr-defined]
    with mock.patch.object(uploadhandler, "TemporaryUploadedFile", side_effect=FULL):
        answer = alice.upload()
    assert (answer.status_code, "no room" in answer.json()["detail"]) == (507, True)


def test_serve_goes_on_where_its_own_words_cannot_be_written() -> None:
    with mock.patch("sys.stdout", Full()):
        unbuffered(Full().write)("The web server ended and is started again.")


def test_the_widget_and_the_console_show_the_sentence() -> None:
    script = f"""
        import assert from "node:assert";
        globalThis.FormData = class {{ append() {{}} }};
        globalThis.XMLHttpRequest = class {{
          upload = {{}}; open() {{}} setRequestHeader() {{}}
          send() {{ Object.assign(this, answer); this.onload(); }}
        }};
        const {{ upload }} = await import("{UPLOAD.as_uri()}");
        const asked = {{ onProgress() {{}}, signal: {{ addEventListener() {{}} }} }};
        const sent = () => upload("/", {{}}, {{ name: "a" }}, asked).catch((error) => error);
        let answer = {{ status: 507, responseText: '{{"detail": "There is no room."}}' }};
        assert.equal((await sent()).message, "There is no room.");
        answer = {{ status: 502, responseText: "<html>" }};
        assert.equal((await sent()).message, "Server error 502. Please try again later.");
    """
    command = ["node", "--experimental-default-type=module", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
