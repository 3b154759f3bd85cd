"""The sentiment classifier of this process, with the heads trained on this site."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from inference.sentiment import Classifier, site

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "sentiment"


def sentiment_classifier() -> Classifier:
    """Return the classifier with the active heads; another process may have promoted new ones."""
    return _classifier(site.active(sentiment_site()))


def sentiment_site() -> Path:
    """Return the folder of the heads trained on this site."""
    return Path(settings.DATA_DIR) / "sentiment"


@lru_cache(maxsize=1)
def _classifier(heads: Path | None) -> Classifier:
    return Classifier.load(WEIGHTS, heads)
