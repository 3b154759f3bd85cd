"""`manage.py load_demo` loads the demo shop: its records, its inbox and its log-ins."""

import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from chatbot.demo import crm
from chatbot.models import Inbox
from chatbot.people import roles
from chatbot.people.demo_logins import PASSWORD
from crm import demo
from crm.knowledge.records import import_records


class Command(BaseCommand):
    help = (
        "Loads the demo shop, with its dates moved to today. A second run adds what is missing, "
        "and on another day moves the dates on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--day",
            type=date.fromisoformat,
            default=timezone.localdate(),
            metavar="DATE",
            help="the day that is today in the demo",
        )
        parser.add_argument(
            "--questions",
            action="store_true",
            help="only print the shop's questions as of that day, for evaluate answers",
        )

    def handle(self, **options: Any) -> None:
        if options["questions"]:
            for question in demo.questions(options["day"]):
                self.stdout.write(json.dumps(question, ensure_ascii=False))
            return
        report = import_records(demo.records(options["day"]))
        added = report.created + report.updated
        self.stdout.write(f"Demo shop: {report.accepted} records, {added} of them new.")
        with transaction.atomic():
            inbox = open_inbox()
            if settings.DEMO:
                crm.load(inbox)
                create_logins()


def open_inbox() -> Inbox:
    """Add this site to the inbox's origins; the ones that an administrator added stay."""
    inbox, _ = Inbox.objects.get_or_create(
        key="demo",
        defaults={
            "name": "Fernhill Outdoor",
            "greeting": "Hello! Ask me about your order, our gear or our help pages.",
        },
    )
    here = [f"http://{host}:{settings.PORT}" for host in (settings.HOST, "localhost")]
    missing = [origin for origin in here if origin not in inbox.origins]
    if missing:
        inbox.origins += missing
        inbox.save(update_fields=["origins"])
    return inbox


def create_logins() -> None:
    """Create the log-ins whose names are free: a changed password stays changed."""
    if not User.objects.filter(username="admin").exists():
        User.objects.create_superuser("admin", password=PASSWORD)
    if not User.objects.filter(username="agent").exists():
        agent = User.objects.create_user(
            "agent", password=PASSWORD, is_staff=True, first_name="Robin"
        )
        agent.groups.add(Group.objects.get(name=roles.AGENT))
