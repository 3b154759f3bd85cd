"""Trains small transformers, such as the sentiment classifier. Needs torch."""
