"""`manage.py reports` updates the dashboard now instead of within five minutes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from chatbot.reports import aggregate


class Command(BaseCommand):
    help = "Brings the dashboard's figures up to date."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="recount every day")

    def handle(self, **options: Any) -> None:
        with tqdm(unit=" days", disable=None, leave=False) as bar:

            def report(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            make = aggregate.rebuild if options["rebuild"] else aggregate.bring_up_to_date
            count = make(report)
        self.stdout.write(f"{count} day{'s' * (count != 1)} counted.")
