"""Benchmarks beside named alternatives, in the same run."""
