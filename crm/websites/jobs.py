"""Runs of websites in the background: begun by hand or by the hour, and done in short parts.

A part is one Celery task: a site can take hours, and a task may not. A run is claimed by a lease;
when a process dies, `look_after_websites` has another one go on.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from celery import shared_task
from django.db.models import F, Q
from django.utils import timezone

from crm.models import Website
from crm.plumbing import background
from crm.websites.crawl import LEASE, Crawl, Stopped
from crm.websites.reader import Reader

# Seconds of one part. On one machine two threads do all long work in the background.
PART = 30.0
STOPPED = "It was stopped before all pages were read."


def begin(website: Website) -> bool:
    """Begin a run. Returns False if there is one, or the website is switched off."""
    report = {
        "counts": {},
        "left_out": [],
        "failed": 0,
        "in_a_row": 0,
        "beyond": False,
        "name": website.report.get("name", ""),
        "outcome": [],
    }
    idle = Website.objects.filter(pk=website.pk, active=True, reading=False)
    begun = idle.update(
        reading=True,
        cancel=False,
        run=F("run") + 1,
        looked_at=timezone.now(),
        lease_until=None,
        report=report,
    )
    if begun:
        background.slowly(read_website, website.pk)
    return bool(begun)


def stop(website: Website) -> None:
    """Ask the process that reads the website to end the run."""
    Website.objects.filter(pk=website.pk, reading=True).update(cancel=True)
    background.slowly(read_website, website.pk)


@shared_task(name="crm.tasks.read_website")
def read_website(website_id: int) -> None:
    """Do a part of the run, and leave the next one to another task."""
    end = time.monotonic() + PART
    if read_part(website_id, lambda: time.monotonic() > end):
        background.slowly(read_website, website_id)


def read_part(website_id: int, enough: Callable[[], bool]) -> bool:
    """Read until the run ends or `enough` says so after a page. Tells whether there is more."""
    if (lease := claim(website_id)) is None:
        return False
    website = Website.objects.get(pk=website_id)
    with Reader() as reader:
        crawl = Crawl(website, lease, reader)
        try:
            ended = crawl.work(enough)
        except Stopped:
            end_stopped(website_id, crawl.lease)
            return False
    if not ended:
        Website.objects.filter(pk=website_id, lease_until=crawl.lease).update(lease_until=None)
    return not ended


def claim(website_id: int) -> datetime | None:
    """Return the end of the lease, or None if there is nothing to do or somebody else does it."""
    until = timezone.now() + LEASE
    free = Website.objects.filter(waiting(), pk=website_id)
    return until if free.update(lease_until=until) else None


def waiting() -> Q:
    return Q(reading=True) & background.free()


def end_stopped(website_id: int, lease: datetime) -> None:
    """End a run that somebody has stopped, unless another process has taken it over."""
    mine = Website.objects.filter(pk=website_id, lease_until=lease)
    for website in mine:
        website.report["outcome"].append(STOPPED)
        mine.update(reading=False, cancel=False, lease_until=None, report=website.report)


@shared_task(name="crm.tasks.look_after_websites")
def look_after_websites() -> None:
    """Go on with runs whose process has died, and begin those that are due."""
    for website in Website.objects.filter(waiting()):
        background.slowly(read_website, website.pk)
    for website in Website.objects.filter(active=True, reading=False, every_hours__gt=0):
        rest = timedelta(hours=website.every_hours)
        if website.looked_at is None or website.looked_at + rest <= timezone.now():
            begin(website)
