"""A conversation, and everything that changes it; `changes.py` lists who changes what."""
