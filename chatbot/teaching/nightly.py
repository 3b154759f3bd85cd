"""Asks all test questions every night."""

from celery import shared_task
from django.utils import timezone

from chatbot.models import Case, TestRun
from chatbot.teaching import questions, runs

# The hours of the night, in the server's time zone, in which a run begins: customers sleep.
NIGHT = range(1, 6)
# Nights whose runs are kept.
KEPT = 30


@shared_task(name="chatbot.tasks.ask_nightly")
def ask_nightly() -> None:
    """Start the run of this night, once; called every hour."""
    now = timezone.localtime()
    nights = TestRun.objects.filter(nightly=True)
    if now.hour not in NIGHT or nights.filter(at__date=now.date()).exists():
        return
    if Case.objects.filter(active=True).exists():
        runs.start(f"Night of {now:%d %B %Y}", questions.active_cases(), nightly=True)
        old = nights.order_by("-id").values_list("id", flat=True)[KEPT:]
        TestRun.objects.filter(id__in=list(old)).delete()
