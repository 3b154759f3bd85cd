"""The matcher of this process: it tells which action a customer wishes for."""

from functools import lru_cache

from django.conf import settings

from chatbot.engines import reader
from inference.wishes.matcher import Matcher

WEIGHTS = settings.BASE_DIR / "inference" / "weights" / "wishes"


@lru_cache(maxsize=1)
def matcher() -> Matcher:
    return Matcher(WEIGHTS, reader.WEIGHTS / "tokenizer.json")
