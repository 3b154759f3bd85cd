"""Reads: which line answers a question, and which text may support a sentence.

`lines.py` cuts a passage into lines that each say one thing; `reader.py` says how likely each is to
answer a question, with the small model in `inference/weights/reading`; `training/` makes that model
from public data and from the companies in `companies/`.
"""
