"""Loops that run in every web process."""
