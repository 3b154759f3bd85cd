"""How the writer of a message feels: negative, neutral or positive."""

from inference.sentiment.classifier import LABELS, Classifier, Sentiment, WrongEncoder

__all__ = ["LABELS", "Classifier", "Sentiment", "WrongEncoder"]
