"""Trains small transformers: what the sentiment classifier and the reader share. Needs torch."""
