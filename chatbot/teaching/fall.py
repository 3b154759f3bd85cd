"""Notices that fewer test questions are answered right than the night before, and tells it."""

import logging
from smtplib import SMTPException

from celery import shared_task
from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse

from chatbot.models import TestRun
from chatbot.teaching import results
from crm.outbound.notices import addresses
from crm.plumbing import background

logger = logging.getLogger("attune.teaching")
# Percentage points. Of 100 questions, one or two change with a customer's records.
FALL = 5.0


def compare(run: TestRun) -> None:
    """Note in the run, and tell, by how many points the share of right answers has fallen since the
    night before. Only questions of both nights count: a new one that fails is no fall."""
    nights = TestRun.objects.filter(nightly=True, state=TestRun.State.DONE, id__lt=run.pk)
    before = nights.order_by("-id").first()
    if before is None:
        return
    then, now = outcomes(before), outcomes(run)
    both = then.keys() & now.keys()
    was, share = (results.share(one[case] for case in both) for one in (then, now))
    if was is None or share is None or 100 * (was - share) <= FALL:
        return
    run.figures["fell"] = round(100 * (was - share), 1)
    run.reason = f"The share of right answers fell from {was:.0%} to {share:.0%} overnight."
    logger.warning("test questions: %s", run.reason)
    background.later(mail_fall, run.pk, run.reason)


def outcomes(run: TestRun) -> dict[int, str]:
    """Return the outcome of each case of a run."""
    rows = run.results.exclude(case=None).exclude(live={})
    return {case: live["outcome"] for case, live in rows.values_list("case_id", "live")}


@shared_task(
    name="chatbot.tasks.mail_fall",
    autoretry_for=(SMTPException, OSError),
    retry_backoff=30,
    max_retries=6,
)
def mail_fall(run: int, reason: str) -> None:
    """Tell the people who may change test runs, without any customer's words."""
    if to := addresses("chatbot.change_testrun"):
        page = reverse("admin:chatbot_testrun_change", args=[run])
        text = f"{reason}\n\n{settings.PUBLIC_URL}{page}\n"
        send_mail("The bot gives fewer right answers to test questions", text, None, to)


def fallen() -> bool:
    """Tell whether the latest night's share of right answers has fallen."""
    nights = TestRun.objects.filter(nightly=True, state=TestRun.State.DONE).order_by("-id")
    latest = nights.values_list("figures", flat=True).first()
    return bool(latest and latest.get("fell"))
