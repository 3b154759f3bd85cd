"""Read a website inside the network into articles."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from crm.models import Website
from crm.plumbing import fetching
from crm.plumbing.fetching import NotFetched
from crm.websites import jobs, queue
from crm.websites.addresses import NoAddress, normal

SHOWN = 20


class Command(BaseCommand):
    help = "Reads a website whose host is in KNOWLEDGE_HOSTS; each of its pages becomes an article."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", help="where to start, such as https://help.intranet/en/")
        parser.add_argument(
            "--publish", action="store_true", help="publish the articles (otherwise: drafts)"
        )

    def handle(self, *, address: str, publish: bool, **_: Any) -> None:
        try:
            start = normal(address)
            fetching.allowed(start)
        except (NoAddress, NotFetched) as error:
            raise CommandError(f"{address} {error}") from None
        chosen = {"active": True} | ({"publish": True} if publish else {})
        website, _created = Website.objects.update_or_create(start=start, defaults=chosen)
        jobs.begin(website)
        with tqdm(unit=" pages", desc="Reading", disable=None, leave=False) as bar:
            try:
                jobs.read_part(website.pk, lambda: shown(website, bar))
            except KeyboardInterrupt:
                jobs.stop(website)
                raise CommandError("Stopped. Attune keeps what it has already read.") from None
        website.refresh_from_db()
        if website.reading:
            raise CommandError(f"Another process is reading {start}: see its page in the admin.")
        self.tell(website.report)

    def tell(self, report: dict[str, Any]) -> None:
        counts = ", ".join(f"{count:,} {word}" for word, count in report["counts"].items())
        self.stdout.write(f"Pages: {counts or 'none'}.")
        for sentence in report["outcome"]:
            self.stdout.write(sentence)
        for address, why in report["left_out"][:SHOWN]:
            self.stdout.write(f"  {address} {why}")
        if len(report["left_out"]) > SHOWN:
            self.stdout.write("  … the website's page in the admin lists more")


def shown(website: Website, bar: Any) -> bool:
    done, bar.total = queue.progress(website)
    bar.update(done - bar.n)
    return False
