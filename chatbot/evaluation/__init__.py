"""The evaluations of `manage.py evaluate`: one module for each kind of labelled file.

Each has `run(rows, options)`, which takes the file's objects and returns `figures`, which `--json`
prints, and `as_text(result)`, which prints them for people.
"""
