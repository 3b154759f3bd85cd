"""Is a message in a language that the classifier has not learned?"""

import pycld2

# What customers write. Short English words look like many of the rarer languages.
LANGUAGES = frozenset(
    "af ar bg bn ca cs da de el es et eu fa fi fr gl gu hi hr hu hy id is it iw ja ka kk km kn ko "
    "lt lv mk ml mr ms ne nl no pa pl pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur uz vi yi zh "
    "zh-Hant".split()
)
# A few letters say nothing in the Latin alphabet.
LETTERS = 8
ENGLISH_SHARE = 35


def is_foreign(words: str) -> bool:
    """Errs on the side of English: a wrong "unknown" hides a mood, short texts most of all."""
    if words.isascii() and len(words) < LETTERS:
        return False
    try:
        sure, _, found = pycld2.detect(words, bestEffort=True)
    except pycld2.error:  # not valid UTF-8: half a character, which `readable` takes out
        return False
    shares = {code: percent for _, code, percent, _ in found}
    english = shares.get("en", 0) >= ENGLISH_SHARE
    return bool(sure and found[0][1] in LANGUAGES and not english)
