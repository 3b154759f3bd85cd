"""Reads: which line of a passage answers a question.

`inference/lines.py` cuts a passage into lines that each say one thing; `reader.py` says how likely
each is to answer a question, with the small model in `inference/weights/reading`; `training/` makes
that model from the questions about the companies in `companies/`.
"""
