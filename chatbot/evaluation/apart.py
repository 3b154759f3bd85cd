"""Runs commands on a temporary database that holds only some given records.

Tiers that were added in the admin are not in that database.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Apart:
    folder: Path

    def holding(self, records: Iterable[dict[str, Any]]) -> "Apart":
        """Return a copy of this database, in a folder below it, with the records imported."""
        copy = Apart(Path(mkdtemp(dir=self.folder)))
        shutil.copyfile(self.folder / "db", copy.folder / "db")
        path = copy.folder / "records.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        copy.manage(["import_records", path, "--json"])
        return copy

    def manage(self, arguments: list[Any], given: str = "") -> str:
        """Run a command and return what it prints. ValueError if it fails."""
        place = {
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": f"sqlite://{self.folder / 'db'}",
            # The real site's model server, but neither its index nor its tasks.
            "INDEX_URL": "",
            "REDIS_URL": "",
            "SLM_PORT": str(settings.SLM_PORT),
        }
        done = subprocess.run(
            [sys.executable, settings.BASE_DIR / "manage.py", *map(str, arguments)],
            env=os.environ | place,
            input=given,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ValueError(f"manage.py {arguments[0]} failed: see above")
        return done.stdout


@contextmanager
def apart() -> Iterator[Apart]:
    with TemporaryDirectory() as folder:
        empty = Apart(Path(folder))
        empty.manage(["migrate", "--verbosity", "0"])
        yield empty
