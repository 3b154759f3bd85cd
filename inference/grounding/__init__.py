"""What rules decide about a text: the figures and names in it, and whether it gives orders.

`facts.py` extracts dates, numbers, codes and names from a text, each in one spelling; `rules.py`
finds those of a sentence that a record does not have, and `quantities.py` knows that two weeks are
14 days. `injection.py` finds lines that give the language model instructions.
"""

from inference.grounding.facts import holds, vocabulary
from inference.grounding.rules import lacking, restates, says_absent, unheld
from inference.grounding.words import overlap, squeeze, stems

__all__ = [
    "holds",
    "lacking",
    "overlap",
    "restates",
    "says_absent",
    "squeeze",
    "stems",
    "unheld",
    "vocabulary",
]
