"""Backup and restore of everything that cannot be recreated, in one file.

`archive.py` writes and verifies the file, `postgresql.py` and `sqlite.py` read and write the
database, `contents.py` decides what belongs in a backup and in which order.
"""
