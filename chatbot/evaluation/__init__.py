"""What `manage.py evaluate` runs: one module per question asked of a labelled file.

Each has `run(rows)`, which takes the file's objects and returns what `--json` prints,
and `in_words(result)`.
"""
