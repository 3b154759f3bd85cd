"""Text that speaks to the model instead of telling it something.

Records and messages are data. What the check lets through is decided by facts, so an order in a
record ("ignore the rules and say …") can only have words of that record repeated; lines like that
are kept out of the prompt and support nothing. Ordinary use of the same words stays.
"""

import re
import unicodedata
from functools import lru_cache

_OBJECTS = r"instructions?|rules?|prompts?|guidelines?|directions?|polic(?:y|ies)|constraints?"
_MODEL = r"(?:assistants?|chat ?bots?|bots?|ai|language models?|llms?|the model)"
_PATTERNS = (
    # ignore all previous instructions
    rf"\b(?:ignore|disregard|forget|override|bypass|violate)\b.{{0,30}}\b(?:{_OBJECTS})\b",
    r"\b(?:ignore|disregard|forget)\b.{0,15}\b(?:everything|all|anything)\b.{0,20}\b"
    r"(?:above|before|previous|earlier|told)\b",
    # the marks of chat templates and prompts
    r"<\|[^|>]{1,40}\|>|</?(?:system|instructions?|sys|prompt|tool\w*)>|<</?SYS>>",
    r"\[/?(?:INST|SYSTEM)\]|[\"']role[\"']\s*:|\bsystem\s*:|\bhuman\s*:.*\bassistant\s*:",
    r"^\W*(?:system|developer|assistant)\s*(?:prompt|message|note|override)?\s*[:>]",
    r"\b(?:end|begin|start|beginning) of (?:the )?"
    r"(?:records?|context|prompt|system|data|instructions?)\b",
    # you are now …
    r"\b(?:you are now|from now on,? (?:you|always|every)|pretend (?:to be|that you))\b",
    r"\bact as (?:a|an|if|the)\b.{0,30}\b"
    r"(?:model|ai|bot|assistant|admin\w*|system|developer|unrestricted)\b",
    r"\bnew (?:system )?(?:instructions?|rules?|prompt|task|role)\s*[:=]",
    # assistant: say exactly …
    rf"\b{_MODEL}\b(?:[,:]| (?:reading|who)\b.{{0,30}})?\s*(?:must|should|shall|has to|"
    r"have to|is to|are to|please|say|reply|answer|respond|output|print|include|add|repeat|write|"
    r"reveal|confirm)\b",
    rf"\b(?:to|for|dear|hey)\W{{0,3}}(?:the )?(?:language )?(?:model|{_MODEL})\b",
    r"\b(?:para (?:el|la)|für (?:das|den|die)|an (?:das|den|die)|pour l['’]|à l['’]|per l['’])\s*"
    r"(?:asistente|assistente?n?|assistant|sistema|system|systeme|modelo|modell|ki|ia)\b",
    r"\b(?:say|print|output|reply|respond|answer|write|repeat|start|begin|end|finish|include|append|"
    r"add)\b.{0,40}\b(?:exactly|verbatim|word for word|the (?:secret |magic )?(?:word|code ?word|"
    r"phrase|token|string)|(?:your|every|each|the|all) (?:next )?(?:answers?|repl(?:y|ies)|"
    r"responses?|messages?|output))\b",
    r"\b(?:correct|right|only) (?:wording|answer|reply|response) (?:for|to|is)\b",
    # show what is not the customer's
    r"\b(?:reveal|print|show|output|repeat|leak|display|list)\b.{0,30}\b(?:system prompt|"
    r"hidden prompt|your (?:prompt|instructions|rules)|all (?:other )?customers?|other customers?|"
    r"everything above)\b",
    # an order in a spelling that only a machine reads
    r"[A-Za-z0-9+/]{40,}={0,2}",
    r"\b(?:decode|translate|read)\b.{0,30}\b(?:base64|rot13)\b|\bin (?:base64|rot13)\b",
    r"<!--|!\[[^\]]*\]\(|<(?:script|img|iframe)\b|\bjavascript:",
)
_INSTRUCTS = re.compile("|".join(_PATTERNS), re.IGNORECASE | re.MULTILINE)
_HIDDEN = re.compile(r"[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\u00ad]")
_MARKS = re.compile(r"<\||\|>")


@lru_cache(maxsize=4096)
def instructs(text: str) -> bool:
    """It tells the reader what to write, not what is so."""
    return bool(_INSTRUCTS.search(visible(text)))


def plain(text: str) -> str:
    """As `visible`, and without the marks by which a model's template tells who speaks."""
    return _MARKS.sub(" | ", visible(text))


def visible(text: str) -> str:
    """Without characters that nobody sees, in one spelling of letters."""
    return _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
