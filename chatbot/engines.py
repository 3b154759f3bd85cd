"""Settings -> inference objects: one per process, built on first use, dropped with the settings."""

from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from crm import knowledge
from inference.generation import Deadlines, Generator
from inference.sentiment import Classifier

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "sentiment"


@cache
def sentiment_classifier() -> Classifier:
    return Classifier.load(WEIGHTS, knowledge.encoder())


@cache
def generator() -> Generator:
    deadlines = Deadlines(
        connect=settings.SLM_CONNECT_TIMEOUT,
        first_token=settings.SLM_FIRST_TOKEN_TIMEOUT,
        next_token=settings.SLM_TOKEN_TIMEOUT,
        total=settings.SLM_TOTAL_TIMEOUT,
    )
    return Generator(settings.SLM_URL, settings.SLM_NAME, settings.SLM_API_KEY, deadlines)


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    if setting.startswith("SLM_"):
        generator.cache_clear()
    if setting == "MODEL_THREADS":
        sentiment_classifier.cache_clear()
