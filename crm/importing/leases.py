"""One worker at a time works on an import, and another one goes on if it dies."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from crm.importing import files
from crm.importing.formats import limits
from crm.models import Import
from crm.plumbing import background

State = Import.State
# A batch takes a second, and the child is given up after so long a silence.
LEASE = timedelta(seconds=limits.SILENCE + 60)
# While the child reads the file from beginning to end, nothing can be said in between.
READING = timedelta(seconds=2 * limits.PROCESSOR)
# Errors that are kept of one import.
MOST_ERRORS = 1_000
# Rows after which the lease is renewed where nothing is stored.
STEP = 5_000


class Cancelled(Exception):
    """Somebody has cancelled the import; the message is the reason, "" if none was given."""


class Lost(Exception):
    """Another worker has taken over, or the import was deleted."""


@dataclass
class Held:
    """An import that this worker has claimed."""

    run: Import
    until: datetime

    def step(self, lasts: timedelta = LEASE, **changes: Any) -> None:
        """Write the progress, and renew the lease. Raises Cancelled or Lost."""
        cancelled = Import.objects.filter(pk=self.run.pk, cancel=True)
        if (reason := cancelled.values_list("reason", flat=True).first()) is not None:
            raise Cancelled(reason)
        until = timezone.now() + lasts
        mine = Import.objects.filter(pk=self.run.pk, lease_until=self.until)
        if not mine.update(lease_until=until, **changes):
            raise Lost
        self.until = until
        for name, value in changes.items():
            setattr(self.run, name, value)

    def end(self, state: str, reason: str = "") -> None:
        """Finish the import, or leave it to somebody's choices, and give it back."""
        over = None if state in {State.ASKING, State.RUNNING} else timezone.now()
        self.run.state = state
        mine = Import.objects.filter(pk=self.run.pk, lease_until=self.until)
        given_back = mine.update(
            state=state, reason=reason[:500], finished_at=over, lease_until=None
        )
        if given_back and over:
            forget_content(self.run.pk)

    def fault(self, place: Any, sentence: str) -> None:
        """Note why a row or a file was not imported."""
        self.count("errors")
        self.note(place, sentence)

    def note(self, place: Any, sentence: str) -> None:
        if len(self.run.errors) < MOST_ERRORS:
            self.run.errors.append([str(place)[:300], sentence[:500]])

    def count(self, word: str, more: int = 1) -> None:
        if more:
            self.run.counts[word] = self.run.counts.get(word, 0) + more


def forget_content(id: int) -> None:
    """Remove what names customers from an import that has ended: its first rows and its file."""
    run = Import.objects.filter(pk=id).first()
    if run and run.finished_at:
        run.preview.pop("rows", None)
        run.save(update_fields=["preview"])
        files.release(run.file)


def claim(id: int) -> Held | None:
    """Claim an import that waits for a worker."""
    waiting = Import.objects.filter(pk=id, state__in=[State.READING, State.RUNNING])
    until = timezone.now() + READING
    if not waiting.filter(background.free()).update(lease_until=until):
        return None
    run = Import.objects.select_related("plan", "by").get(pk=id)
    return Held(run, until)
