"""Checks, probes and processes, for operators."""
