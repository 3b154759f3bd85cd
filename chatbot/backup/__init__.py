"""Backups: all that cannot be made again, in one file, and back.

`archive.py` writes and checks the file, `postgresql.py` and `sqlite.py` read and write the
database, `contents.py` says what belongs into a backup and in which order.
"""
