"""Is a sentence supported by a passage? Facts are compared, and what they are said of.

`facts.py` takes dates, numbers, codes and names out of a text, each in one spelling.
`statements.py` cuts a passage into what it states, one field or sentence at a time.
`claims.py` finds where a sentence says something else of the right things: the value of another
field, the quantity of another line, "sent" of what is only expected, a plain "not".
`verdict.py` puts them together.
"""

from inference.grounding.claims import compared
from inference.grounding.facts import holds, vocabulary
from inference.grounding.verdict import Verdict, check
from inference.grounding.words import overlap, squeeze, stems

__all__ = ["Verdict", "check", "compared", "holds", "overlap", "squeeze", "stems", "vocabulary"]
