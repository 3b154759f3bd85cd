"""The matcher of this process: it tells which action a customer wishes for."""

from functools import lru_cache

from django.conf import settings

from chatbot.engines import classifier, reader
from inference.sentiment import Classifier
from inference.wishes.matcher import Matcher

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "wishes"


def matcher() -> Matcher:
    """Return the matcher. It goes by the classifier, whose heads another process may have
    replaced."""
    return _matcher(classifier.sentiment_classifier())


@lru_cache(maxsize=1)
def _matcher(heard_by: Classifier) -> Matcher:
    return Matcher(WEIGHTS, reader.WEIGHTS / "tokenizer.json", heard_by)
