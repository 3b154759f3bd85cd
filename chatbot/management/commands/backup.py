"""`manage.py backup FILE` saves everything that cannot be recreated, while Attune runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from tqdm import tqdm

from chatbot.backup import contents
from chatbot.backup.archive import BackupError
from crm.plumbing import troubles


class Command(BaseCommand):
    help = (
        "Writes the database, the attachments and this site's sentiment model into one file, while "
        "Attune runs. The index is not included: it is rebuilt from the records."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--with-secrets", action="store_true", help="include SECRET_KEY")

    def handle(self, *, file: Path, with_secrets: bool, **_: Any) -> None:
        try:
            with bar("Writing") as progress:
                manifest = contents.back_up(file.absolute(), with_secrets, progress.update)
        except BackupError as error:
            raise CommandError(str(error)) from None
        except (OSError, DatabaseError) as error:
            raise CommandError(f"{file} was not written. {troubles.described(error)}") from error
        size = sum(count for count, _ in manifest.members.values())
        files = sum(name.startswith("attachments/") for name in manifest.members)
        secret = "with" if with_secrets else "without"
        self.stdout.write(
            f"{file}: {size:,} bytes, {files} attachments, {secret} SECRET_KEY. It holds "
            "customers' messages and the secrets of all webhooks: protect it like the database."
        )
        if manifest.left_out:
            count = len(manifest.left_out)
            self.stderr.write(f"{count} attachments were deleted meanwhile and are not included.")


def bar(label: str) -> "tqdm[Any]":
    return tqdm(unit="B", unit_scale=True, desc=label, disable=None, leave=False)
