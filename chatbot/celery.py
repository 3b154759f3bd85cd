"""The Celery application. Without REDIS_URL, tasks run in the process that calls them."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
app = Celery("attune")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Log lines of a task contain its id and the id of the request that sent it.
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
# Background tasks must not slow down what a customer or a CRM is waiting for.
NICE = 10


@worker_init.connect
def lower_priority(**_: Any) -> None:
    os.nice(NICE)
