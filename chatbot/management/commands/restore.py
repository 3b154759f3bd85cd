"""`manage.py restore FILE` puts back what `backup` wrote, while Attune is stopped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from chatbot.backup import contents
from chatbot.backup.archive import BackupError
from chatbot.management.commands.backup import bar
from crm.plumbing import troubles


class Command(BaseCommand):
    help = (
        "Checks a backup, then restores the database, the attachments and the sentiment model. "
        "Stop Attune first."
    )
    # The database may have no tables yet.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--replace", action="store_true", help="overwrite a database that is not empty"
        )

    def handle(self, *, file: Path, replace: bool, **_: Any) -> None:
        try:
            with bar("Reading") as progress:
                manifest = contents.restore(file.absolute(), replace, progress.update)
        except BackupError as error:
            raise CommandError(str(error)) from None
        except FileNotFoundError as error:
            raise CommandError(f"There is no file {error.filename}.") from error
        except (OSError, DatabaseError) as error:
            raise CommandError(f"Not restored. {troubles.described(error)}") from error
        self.stdout.write(
            f"Restored as of {manifest.made_at}. Now type: python manage.py index refresh; then "
            "start Attune."
        )
        if contents.SECRET not in manifest.members:
            self.stdout.write(
                "SECRET_KEY was not in the backup: if it is not the same as before, staff must log "
                "in again and visitors begin new sessions."
            )
