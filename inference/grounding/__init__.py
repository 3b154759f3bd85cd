"""Checks whether a passage supports a sentence, by comparing facts and what they are about.

`facts.py` extracts dates, numbers, codes and names from a text, each in one spelling.
`statements.py` splits a passage into statements, one per field or sentence.
`claims.py` finds sentences that combine facts wrongly: the value of another field, the quantity of
another line, "sent" for something that is only expected, a missing or added "not".
`told.py` finds the record's own sentence for a paraphrase of prose. `verdict.py` combines them.
"""

from inference.grounding.claims import compared
from inference.grounding.facts import holds, vocabulary
from inference.grounding.verdict import Verdict, check
from inference.grounding.words import overlap, squeeze, stems

__all__ = ["Verdict", "check", "compared", "holds", "overlap", "squeeze", "stems", "vocabulary"]
