"""Helpers that both Django apps use and that need no model: threads, background work, text."""
