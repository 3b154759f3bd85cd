"""The sentiment of a message: negative, neutral or positive."""

from inference.sentiment.classifier import (
    CONFIDENCE_FLOOR,
    LABELS,
    UNKNOWN,
    Classifier,
    Sentiment,
    WrongStudent,
)

__all__ = ["CONFIDENCE_FLOOR", "LABELS", "UNKNOWN", "Classifier", "Sentiment", "WrongStudent"]
