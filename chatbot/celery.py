"""The Celery application. Without REDIS_URL its tasks run in the process that calls them."""

import os

from celery import Celery
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatbot.settings")
app = Celery("attune")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Log lines of a task carry its id, and the id of the request that sent it.
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
