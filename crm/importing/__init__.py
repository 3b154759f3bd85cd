"""Imports files that people have: tables become records, documents become articles."""
