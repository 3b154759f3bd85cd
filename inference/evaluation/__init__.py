"""Measures, as pure functions on numpy arrays."""
