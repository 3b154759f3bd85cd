"""Settings -> inference objects: one per process, built on first use, dropped with the settings."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from chatbot.reply.admission import Line
from inference.sentiment import Classifier, site

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "sentiment"


def sentiment_classifier() -> Classifier:
    """With the heads that are active now: another process may have promoted new ones."""
    return _classifier(site.active(sentiment_site()))


def sentiment_site() -> Path:
    """Where this site's own sentiment heads lie."""
    return Path(settings.DATA_DIR) / "sentiment"


@lru_cache(maxsize=1)
def _classifier(heads: Path | None) -> Classifier:
    return Classifier.load(WEIGHTS, heads)


@cache
def line() -> Line:
    """Where replies of this process wait for the language model."""
    return Line(settings.GENERATIONS)


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    if setting == "GENERATIONS":
        line.cache_clear()
