"""The Celery application. Without REDIS_URL its tasks run in the process that calls them."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
app = Celery("attune")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Log lines of a task carry its id, and the id of the request that sent it.
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
# What nobody waits for takes no processor from what a customer or a CRM waits for.
NICE = 10


@worker_init.connect
def step_back(**_: Any) -> None:
    os.nice(NICE)
