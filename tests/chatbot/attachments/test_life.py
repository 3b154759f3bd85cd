"""A file's life: alice uploads, sends and is forgotten; dora answers with a PDF; nothing is lost,
and nothing stays that belongs to nobody."""

import json
import os
import shutil
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from chatbot import tasks
from chatbot.attachments import store
from chatbot.conversation import agents, customers, mail, replies
from chatbot.models import Attachment, Erasure, Message, Reply, Visitor
from chatbot.privacy import retention
from chatbot.wire.errors import Refused
from crm.models import Delivery
from tests.chatbot.attachments.files import PDF, image
from tests.chatbot.console.test_agents import AgentsTestCase
from tests.crm.outbound.test_outbound import OutboundTestCase
from tests.fakes import ALICE

pytestmark = pytest.mark.services

FOLDER = settings.DATA_DIR / "attachments"


class FilesTestCase(AgentsTestCase):
    def setUp(self) -> None:
        super().setUp()
        shutil.rmtree(FOLDER, ignore_errors=True)

    def keep(self, name: str = "boots.png", data: bytes | None = None, **by: Any) -> Attachment:
        return store.keep(self.conversation, name, data or image("PNG"), **by)

    def send(self, *files: Attachment, text: str = "", id: str = "f1") -> Message:
        ids = [str(one.id) for one in files]
        return customers.receive(self.conversation, id, text, attachments=ids)[0]

    def lying(self) -> list[str]:
        return sorted(one.name for one in FOLDER.iterdir()) if FOLDER.exists() else []


class KeepTests(FilesTestCase):
    def test_the_file_lies_under_a_random_name_that_only_this_user_may_read(self) -> None:
        kept = self.keep()
        self.assertEqual(self.lying(), [kept.file.name])
        self.assertRegex(kept.file.name, "^[0-9a-f]{32}$")
        self.assertEqual((FOLDER / kept.file.name).stat().st_mode & 0o777, 0o600)
        self.assertEqual((kept.name, kept.type, kept.message), ("boots.png", "image/png", None))
        self.assertEqual(kept.size, kept.file.size)

    def test_what_is_refused_is_not_kept(self) -> None:
        with self.assertRaises(Refused):
            self.keep("boots.png", b"<html>")
        self.assertEqual((self.lying(), Attachment.objects.count()), ([], 0))

    def test_a_conversation_has_room_for_so_much_and_no_more(self) -> None:
        size = self.keep().size
        with override_settings(CONVERSATION_MAX_BYTES=size + 1), self.assertRaises(Refused) as told:
            self.keep()
        self.assertEqual(told.exception.code, "full")
        self.assertEqual(Attachment.objects.count(), 1)


class SendTests(FilesTestCase):
    def test_a_message_names_its_files_in_the_order_in_which_they_were_named(self) -> None:
        first, second = self.keep("a.png"), self.keep("b.pdf", PDF)
        message = self.send(second, first, text="Look")
        self.assertEqual([one["name"] for one in message.attachments], ["b.pdf", "a.png"])
        self.assertEqual(message.attachments[0], store.described(second))
        self.assertEqual(set(message.files.all()), {first, second})

    def test_files_alone_have_no_mood_and_no_say_in_it(self) -> None:
        before = self.now().mood
        message = self.send(self.keep())
        self.assertEqual((message.text, message.label, message.score), ("", "", None))
        self.assertEqual(self.now().mood, before)
        with self.assertRaises(Refused):
            agents.correct(message, "negative", self.dora)

    def test_sent_again_it_is_the_same_message(self) -> None:
        kept = self.keep()
        self.assertEqual(self.send(kept), self.send(kept))
        self.assertEqual(Message.objects.filter(client_id="f1").count(), 1)

    def test_a_file_belongs_to_one_message_and_to_who_has_uploaded_it(self) -> None:
        sent, doras = self.keep(), self.keep("offer.pdf", PDF, agent=self.dora)
        self.send(sent)
        other = customers.conversation_of(
            Visitor.objects.create(inbox=self.conversation.visitor.inbox)
        )
        strangers = store.keep(other, "x.png", image("PNG"))
        for file in (sent, doras, strangers):
            with self.assertRaises(Refused) as told:
                self.send(self.keep(), file, id="f2")
            self.assertEqual((told.exception.code, told.exception.id), ("not_found", "f2"))
        self.assertFalse(Message.objects.filter(client_id="f2").exists(), "whole or not at all")
        self.assertFalse(Attachment.objects.filter(message__client_id="f2").exists())

    def test_a_message_that_cannot_be_stored_leaves_its_files_for_the_next_attempt(self) -> None:
        kept = self.keep()
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            self.send(kept)
            raise ZeroDivisionError
        kept.refresh_from_db()
        self.assertIsNone(kept.message)
        self.assertEqual(self.send(kept).attachments, [store.described(kept)])

    def test_dora_sends_a_pdf_once_the_conversation_is_hers(self) -> None:
        kept = self.keep("offer.pdf", PDF, agent=self.dora)
        agents.take_over(self.conversation, self.dora)
        emils = self.keep("mine.pdf", PDF, agent=self.emil)
        message = agents.say(self.conversation, self.dora, "1", "", [str(kept.id)])
        self.assertEqual(message.attachments, [store.described(kept)])
        with self.assertRaises(Refused):
            agents.say(self.conversation, self.dora, "2", "", [str(emils.id)])

    def test_the_transcript_names_them(self) -> None:
        self.send(self.keep(), text="Look")
        self.assertRegex(mail.text_of(self.conversation), r"You: Look \[boots.png, .* KB\]")


class BotTests(FilesTestCase):
    def turn(self) -> Any:
        from chatbot.reply.runner import turn_of

        return turn_of(Reply.objects.latest("id"))

    def answered(self) -> None:
        reply = Reply.objects.latest("id")
        claimed = replies.claim(reply.id, "w")
        assert claimed
        replies.finish(claimed, "answered", "Done.", [])

    def test_files_alone_are_a_turn_without_words(self) -> None:
        self.answered()
        self.send(self.keep())
        self.assertEqual(self.turn().text, "")

    def test_words_that_wait_for_an_answer_are_answered_with_the_file_beside_them(self) -> None:
        self.send(self.keep())
        self.assertEqual(self.turn().text, "this is terrible")

    def test_what_was_said_before_has_no_empty_turns(self) -> None:
        self.answered()
        self.send(self.keep())
        self.answered()
        customers.receive(self.conversation, "m3", "and now?")
        said = [text for _, text in self.turn().history]
        self.assertEqual(said, ["this is terrible", "Done.", "Done."])


class ForgetTests(FilesTestCase):
    def aged(self, **past: int) -> None:
        Attachment.objects.update(created_at=timezone.now() - timedelta(**past))

    def test_what_was_never_sent_is_forgotten_after_a_day_and_what_was_sent_is_not(self) -> None:
        sent = self.keep()
        self.send(sent)
        self.keep()
        self.aged(hours=23)
        self.assertEqual(tasks.forget_files()["unsent"], 0)
        self.aged(hours=25)
        with self.captureOnCommitCallbacks(execute=True):
            self.assertEqual(tasks.forget_files()["unsent"], 1)
        self.assertEqual(self.lying(), [sent.file.name])

    def test_a_file_without_a_row_is_swept_up_once_it_has_lain_for_an_hour(self) -> None:
        kept = self.keep()
        (FOLDER / "orphan").write_bytes(b"left behind")
        self.assertEqual(store.sweep(), 0)
        past = (timezone.now() - timedelta(hours=2)).timestamp()
        for name in self.lying():
            os.utime(FOLDER / name, (past, past))
        self.assertEqual(store.sweep(), 1)
        self.assertEqual(self.lying(), [kept.file.name])

    def test_nothing_kept_is_nothing_to_sweep(self) -> None:
        self.assertEqual(store.sweep(), 0)

    def test_a_file_stays_until_the_row_is_gone_for_good(self) -> None:
        kept = self.keep()
        executed = self.captureOnCommitCallbacks(execute=True)
        with executed, self.assertRaises(ZeroDivisionError), transaction.atomic():
            kept.delete()
            raise ZeroDivisionError
        self.assertEqual(self.lying(), [kept.file.name])

    @override_settings(REDACT_AFTER_DAYS=30, DELETE_AFTER_DAYS=90)
    def test_redacted_a_conversation_has_no_files(self) -> None:
        message = self.send(self.keep("Alice Ash.png"))
        type(self.conversation).objects.update(last_message_at=timezone.now() - timedelta(days=31))
        with self.captureOnCommitCallbacks(execute=True):
            retention.forget()
        message.refresh_from_db()
        self.assertEqual((message.text, message.attachments), (retention.GONE, []))
        self.assertEqual((self.lying(), Attachment.objects.count()), ([], 0))

    @override_settings(DELETE_AFTER_DAYS=90)
    def test_deleted_a_conversation_has_no_files(self) -> None:
        self.send(self.keep())
        self.keep()
        type(self.conversation).objects.update(last_message_at=timezone.now() - timedelta(days=91))
        with self.captureOnCommitCallbacks(execute=True):
            retention.forget()
        self.assertEqual(self.lying(), [])

    def test_erased_alice_has_no_files_and_the_others_keep_theirs(self) -> None:
        self.send(self.keep())
        other = Visitor.objects.create(inbox=self.conversation.visitor.inbox)
        stays = store.keep(customers.conversation_of(other), "x.png", image("PNG"))
        with self.captureOnCommitCallbacks(execute=True):
            tasks.erase(Erasure.objects.create(customer=ALICE).id)
        self.assertEqual(self.lying(), [stays.file.name])

    def test_alices_export_names_her_files(self) -> None:
        kept = self.keep()
        self.send(kept)
        customer = self.conversation.visitor.customer
        assert customer
        rows = [json.loads(retention.as_line(row)) for row in retention.held(customer)]
        named = [row["attachments"] for row in rows if row["kind"] == "message"]
        self.assertEqual(named, [[], [store.described(kept)]])


class EventTests(OutboundTestCase):
    def test_full_payloads_name_the_files_and_thin_ones_do_not(self) -> None:
        self.endpoint(events=["message.created"])
        self.endpoint(events=["message.created"], full=True)
        self.endpoint(events=["message.created"], full=True, masked=False)
        kept = store.keep(self.conversation, "a@ash.example.png", image("PNG"))
        customers.receive(self.conversation, "f1", "", attachments=[str(kept.id)])
        thin, masked, plain = (
            json.loads(one.body)["data"]["message"] for one in Delivery.objects.order_by("id")
        )
        self.assertNotIn("attachments", thin)
        self.assertEqual(plain["attachments"], [store.described(kept)])
        self.assertEqual(
            masked["attachments"][0] | {"name": ""}, store.described(kept) | {"name": ""}
        )
        self.assertNotIn("ash.example", masked["attachments"][0]["name"])
