"""What is held in memory is read again after two seconds, or once this process has changed it."""

from unittest import mock

import pytest
from django.test import TestCase

from chatbot.models import Inbox
from crm.plumbing import memory
from crm.plumbing.memory import Memory


class MemoryTests(TestCase):
    def setUp(self) -> None:
        self.inbox = Inbox.objects.create(key="shop", name="Shop")
        self.enterContext(mock.patch.object(memory, "KEPT_FOR", 2.0))
        self.clock = self.enterContext(mock.patch("time.monotonic", return_value=100.0))
        self.name = Memory(lambda id: Inbox.objects.get(id=id).name, "chatbot.Inbox")
        self.assertEqual(self.name(self.inbox.id), "Shop")

    def test_another_process_is_heard_of_after_two_seconds(self) -> None:
        Inbox.objects.update(name="Store")  # No signal says so, as if another process had done it.
        self.assertEqual(self.name(self.inbox.id), "Shop")
        self.clock.return_value = 102.0
        self.assertEqual(self.name(self.inbox.id), "Store")

    def test_a_change_of_this_process_counts_at_once(self) -> None:
        self.inbox.name = "Store"
        self.inbox.save()
        self.assertEqual(self.name(self.inbox.id), "Store")

    def test_what_is_gone_is_not_held(self) -> None:
        id = self.inbox.id
        self.inbox.delete()
        with pytest.raises(Inbox.DoesNotExist):
            self.name(id)

    def test_a_value_that_changed_while_it_was_read_is_not_held(self) -> None:
        read = mock.Mock(side_effect=lambda _: self.inbox.save())
        changing = Memory(read, "chatbot.Inbox")
        changing(1)
        changing(1)
        self.assertEqual(read.call_count, 2)
