"""Helpers that need no model: threads, background work, failures, storable values."""
