"""The demo shop is loaded once, and nothing that somebody changed is put back."""

from io import StringIO

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import TestCase, override_settings

from chatbot.models import Inbox
from crm.models import Customer, Record


def load() -> str:
    printed = StringIO()
    call_command("load_demo", stdout=printed)
    return printed.getvalue()


@override_settings(DEMO=True, HOST="127.0.0.1", PORT=8000)
class LoadDemoTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        with override_settings(DEMO=True, HOST="127.0.0.1", PORT=8000):
            load()

    def test_the_shop_has_customers_orders_and_knowledge(self) -> None:
        self.assertGreater(Customer.objects.exclude(name="").count(), 50)
        self.assertTrue(Record.objects.filter(customer=None).exists())

    def test_its_inbox_is_open_to_this_site(self) -> None:
        inbox = Inbox.objects.get(key="demo")
        self.assertEqual(inbox.origins, ["http://127.0.0.1:8000", "http://localhost:8000"])

    def test_the_second_time_nothing_is_new(self) -> None:
        secret = Inbox.objects.get(key="demo").secret
        self.assertIn(", 0 of them new", load())
        self.assertEqual(Inbox.objects.get(key="demo").secret, secret)

    def test_another_port_is_added_and_an_administrators_origin_stays(self) -> None:
        Inbox.objects.filter(key="demo").update(origins=["https://shop.example"])
        with override_settings(PORT=8001):
            load()
        origins = Inbox.objects.get(key="demo").origins
        self.assertEqual(origins[0], "https://shop.example")
        self.assertIn("http://localhost:8001", origins)

    def test_the_agent_answers_customers_and_administers_nothing(self) -> None:
        agent = User.objects.get(username="agent")
        self.assertTrue(agent.is_staff)
        self.assertTrue(agent.has_perm("chatbot.view_conversation"))
        self.assertTrue(agent.has_perm("crm.view_record"))
        changes = {name for name in agent.get_all_permissions() if ".view_" not in name}
        self.assertEqual(changes, {"chatbot.change_conversation", "chatbot.add_correction"})

    def test_a_changed_password_stays_changed(self) -> None:
        admin = User.objects.get(username="admin")
        admin.set_password("alice's own")
        admin.save()
        load()
        admin.refresh_from_db()
        self.assertTrue(admin.check_password("alice's own"))

    def test_without_demo_nobody_can_log_in(self) -> None:
        User.objects.all().delete()
        with override_settings(DEMO=False):
            load()
        self.assertFalse(User.objects.exists())
