"""Trains the sentiment classifier: data, teacher, student. Needs torch; not used in service."""
