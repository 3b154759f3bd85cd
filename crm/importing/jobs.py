"""Periodic work of imports."""

from celery import shared_task

from crm.importing import files, places, runs
from crm.plumbing import background


@shared_task(name="crm.tasks.look_after_imports")
def look_after_imports() -> None:
    """Go on with imports whose worker has died, and look at the places of plans."""
    for id in runs.waiting():
        background.slowly(runs.work_on_import, id)
    for plan in places.due():
        background.slowly(look_at_place, plan.pk)


@shared_task(name="crm.tasks.look_at_place")
def look_at_place(id: int, again: bool = False) -> None:
    places.look(id, again)


@shared_task(name="crm.tasks.forget_imports")
def forget_imports() -> int:
    return files.forget()
