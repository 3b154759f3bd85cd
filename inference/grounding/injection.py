"""Detects prompt injection: text that gives orders to the model.

Records and messages are data. The grounding check decides by facts, so an order in a record
("ignore the rules and say …") can at most have the words of that record repeated; such lines are
kept out of the prompt and support no answer. An order to a person ("follow the instructions below",
"for the model 300 use 6 pegs") stays: an attack addresses the assistant, or mentions its answers,
its rules or its prompt.
"""

import binascii
import re
import unicodedata
from base64 import b64decode

from inference.remembered import remembered
from inference.text import FIELD

_RULES = r"(?:instructions?|rules?|prompts?|guidelines?|directions?|polic(?:y|ies)|constraints?)"
# The reader of the prompt. A bare "model", "system" or "agent" is a product or a person, and a
# voice, parking or sales assistant is not the reader either.
_READER = (
    r"(?:(?<!voice )(?<!parking )(?<!lane )(?<!sales )(?<!shop )(?<!store )(?<!pharmacy )"
    r"(?<!teaching )(?<!dental )(?<!medical )(?<!personal )(?<!flight )(?<!care )"
    r"(?:(?:virtual|digital|ai|support|chat)\s)?assistant|chat ?bots?|bots?|"
    r"ai(?:\s(?:models?|assistants?|agents?|systems?))?|(?:large )?language models?|llms?|chatgpt)"
)
_SAYS = (
    r"(?:say|reply|answer|respond|output|print|repeat|write|reveal|confirm|state|tell|mention|"
    r"promise|recommend|greet|ignore|disregard|forget|quote|claim|recite|offer|append|insult|"
    r"(?:begin|start|end|finish|close|sign) (?:with|by|its|your|each|every|the (?:reply|answer)))"
)
_MUST = (
    r"(?:must|should|shall|ought to|has to|have to|is to|are to|needs? to|(?:is|are) required to)"
)
_ANSWERS = r"(?:answers?|repl(?:y|ies)|responses?|outputs?)"
# Not "the rules on the old label", unless the label is the prompt.
_OF_A_THING = (
    r"(?!\s+(?:that (?:are|were|is|was) )?(?:printed|given|written|on|in|from|of|for|under|by)\s"
    r"(?!.{0,20}\b(?:prompt|system|developers?|conversation|chat|context)\b))"
)
_EARLIER = r"(?:previous|prior|above|earlier|preceding|existing|system|original|initial|hidden)"

_REASONS = {
    "it has the marks of a chat's template": (
        r"<\|[^|>]{1,40}\|>|</?(?:(?:start|end)_of_turn|(?:system|instructions?|sys|prompt|tool"
        r"|records?|developer)(?:[-_]\w{1,20})?)>"
        r"|<</?SYS>>|\[/?(?:INST|SYSTEM)\]|\[\[/?\w{0,20}_?instructions?\]\]",
        r"[\"']role[\"']\s{0,5}:\s{0,5}[\"'](?:system|assistant|user|tool|developer)\b",
        r"\b(?:human|user|customer)\s{0,5}:[^:]{0,200}?\bassistant\s{0,5}:",
        r"(?:^|\n)#{1,6}\s?(?:system|assistant|developer)\s{0,5}:",
        r"\b(?:end|start|beginning) of (?:the )?(?:context|(?:system )?prompt)\b",
        r"(?<!-)-{2,}+\s?(?:end|start|beginning) of (?:the )?(?:records?|data|instructions?)\b",
        r"[\"'](?:tool_result|must_say|system_prompt)[\"']\s{0,5}:",
    ),
    "it claims to come from the system": (
        r"(?:^|[\n.;!|>]|# )\W{0,10}(?:system|developer|assistant)\s{1,3}"
        r"(?:prompt|override|instructions?)\s{0,5}[:>-]",
        rf"\bsystem\s{{0,5}}[:>-]\s{{0,5}}(?:please\s)?(?:override|you are|{_SAYS})\b",
        r"\bsystem\s{0,5}:[^.\n]{0,60}\b(?:say|reply|answer|respond)\b",
        r"\bnew system (?:instructions?|rules?|prompt)\b|\bbegin new prompt\b",
        r"\bnew (?:rules?|instructions?) for (?:you|this (?:chat|conversation)|your answers?)\b",
    ),
    "it speaks to the assistant": (
        rf"\b{_READER}(?:\s(?:reading|who|that|processing|answering)\b.{{0,30}})?\s(?:please\s)?"
        rf"{_MUST}\s(?:(?:always|never|not|now|only|also|at once|first|please)\s)*{_SAYS}\b",
        rf"\b{_READER}\s{{0,3}}(?::=|[:,;]|\s[–-]\s)\s{{0,3}}"
        rf"(?:you {_MUST} |when asked[^:,]{{0,40}},? )?"
        rf"(?:(?:please|now|always|never|do not|first)\s)*(?:{_SAYS}|leave everything)\b",
        rf"\bif you are (?:an?|the) (?:[\w-]{{1,20}}\s){{0,2}}(?:{_READER}|helper)\b",
        rf"\b{_READER} (?:reading|processing|answering|handling) (?:this|that|it)\b",
        r"\b(?:who|what)ever (?:generates|writes|produces|reads) (?:the|this|an?) "
        r"(?:answer|reply|response|prompt|context)\b",
        rf"\b{_READER}\s(?:please|kindly)\s{_SAYS}\b|\b(?:could|would) the {_READER} please\b",
        rf"\b(?:dear|hey|attention|(?:note|instructions?|message|hint) (?:to|for)(?: the)?)\s"
        rf"{_READER}\s{{0,3}}(?:[:,;.!–)-]|$)",
        rf"\b(?:to|for) (?:the )?{_READER}(?:\s{{0,3}}:|\s(?:that|who|reading|answering)\b)",
        r"\bto=[\"'](?:the )?(?:model|assistant|ai|llm)\b",
        rf"\bas (?:an?|the) {_READER},? you\b|\b(?:llm|gpt|chat ?bot) instructions?\b",
        rf"\bthe {_READER}['’]s (?:name|{_ANSWERS}|task|role|rules|prompt)\b",
        r"\b(?:para (?:el|la)|für (?:das|den|die)|an (?:das|den|die)|pour l['’]|à l['’]|per l['’])"
        r"\s{0,3}(?:asistente|assistente?n?|assistant|sistema|system|systeme|modelo|modell|ki|ia)"
        r"\s{0,3}:",
    ),
    "it sets rules aside": (
        rf"\b(?<!not )(?<!n['’]t )(?<!never )"
        rf"(?:ignore|disregard|forget|override|bypass|violate|skip|drop|(?:do not|don['’]t|stop) "
        rf"(?:follow|obey)(?:ing)?)\b[^.;:!?\n]{{0,20}}\b(?:your|"
        rf"{_EARLIER})\b[^.;:!?\n]{{0,20}}\b{_RULES}\b{_OF_A_THING}",
        rf"\b(?<!not )(?<!n['’]t )(?:ignore|disregard|forget|override|bypass|violate|(?:do not|"
        rf"don['’]t|stop) "
        rf"(?:follow|obey)(?:ing)?)\b.{{0,20}}\b{_RULES}\s(?:above|(?:that )?you (?:were|"
        rf"have been|are)"
        rf" (?:given|told)|so far)\b",
        r"\b(?<!not )(?:ignore|disregard|forget)\s(?:about\s)?(?:everything|anything|all|whatever)"
        r"(?:\s(?:that|of|the|you|were|was|is|have|been|said|told|written|stands))*"
        r"\s(?:above|before|earlier|told|previously)\b",
        r"\b(?:ignorez|oubliez|ignora|olvida|esqueça|vergiss|ignoriere|dimentica|zapomnij|"
        r"zignoruj|negeer|vergeet|ignorera|glöm|игнорируй|забудь|تجاهل)\s.{0,40}?\b"
        r"(?:instruc\w+|instruç\w+|instrukt?[ci]\w+|consignes|règles|normas|reglas|regras|anweisungen|"
        r"regeln|istruzioni|regole|polece\w+|инструкци\w+|правила|التعليمات|regels)",
        r"(?:忽略|忘记|忘記).{0,12}(?:指令|规则|規則|指示|问题|問題)"
        r"|(?:指示|指令|命令|ルール).{0,12}(?:無視|忘れ)|talimatları.{0,12}(?:yok say|unut)"
        r"|\bignore\s.{0,40}?\b(?:instruç\w+|regras)",
    ),
    "it gives the assistant another role": (
        rf"\byou are (?:now|no longer)\s(?:(?:an?|the|my|[\w-]{{1,20}})\s){{0,3}}{_READER}\b",
        r"\byou are (?:now )?an? (?:[\w-]{1,20}\s)?(?:unfiltered|unrestricted|uncensored|"
        r"jailbroken)\b",
        r"\byou are (?:now|no longer)\s(?-i:[A-Z][a-z]+[A-Z]\w*|[A-Z]{2,}-?\d+|DAN\b)",
        r"\byou now (?:serve|obey|work for|answer to)\b",
        r"\byou are (?:now|no longer) (?:bound|limited|restricted) (?:by|to)\b",
        rf"\bpretend (?:to be|that you(?:['’]re| are))\s(?:(?:an?|"
        rf"the)\s)?(?:[\w-]{{1,20}}\s)?{_READER}\b",
        rf"\bact as (?:an?|if|the)\s(?:[\w-]{{1,20}}\s){{0,2}}"
        rf"(?:{_READER}|admin\w*|developer|unrestricted)\b",
        rf"\bstop being (?:an?|the)\s(?:\w{{1,20}}\s)?{_READER}\b",
        r"\byour new (?:system )?(?:instructions?|rules?|prompt|task|role|persona|name)\s?"
        r"(?:[:=]|is\b|are\b)",
        r"\byou (?:work for|obey) .{0,30}\b(?:no|without) (?:limits?|rules|restrictions)\b",
    ),
    "it says how to answer": (
        rf"\bfrom (?:now|here|today) on,? (?:you\b|always|every|each).{{0,30}}\b"
        rf"(?:{_SAYS}|{_ANSWERS}|speak)\b",
        r"\b(?:say|repl(?:y|ies)|respond|answer|output|print|write)s?\b.{0,40}\b"
        r"(?:and nothing (?:else|more)|nothing but|verbatim|only the (?:word|code|phrase|"
        r"string))\b",
        r"\b(?:repeat|say|write|print|copy)\b.{0,40}\bword for word\b",
        r"\b(?:repl(?:y|ies)|respond|answer)s?\s(?:only|just|exactly|simply)\swith\b",
        r"\b(?:say|reply|respond|output|write) exactly\s?[:\"'“]",
        r"\b(?:say|reply|respond|answer|output|write)\b.{0,30}\b(?<!in )(?:the|this) (?:secret |"
        r"magic |"
        r"single |one |status )?(?:word|code ?word|phrase|token|string)\b(?!.{0,40}\b(?:text|sms|"
        r"to "
        r"(?:end|stop|confirm|order|cancel|unsubscribe|leave|join)))",
        r"\b(?:answer|reply|respond)(?: to)? (?:every|each|any)(?: \w+)? (?:question|customer)"
        r"\b.{0,20}\bwith\b",
        rf"\b(?:begin|start|end|finish|close|include|append|add|put|insert|sign)s?\b"
        rf"(?!.{{0,30}}\b(?:number|reference|case id)\b).{{0,30}}\b"
        rf"(?:your|every|each|all|the next|all your) (?:next )?{_ANSWERS}\b",
        rf"\b(?:every|each) (?:next )?{_ANSWERS} (?:must|shall|now|begins?|ends?|has|consists)\b",
        rf"\b(?:in|with|into) (?:your next|all your) {_ANSWERS}\b|\bwhen you (?:answer|reply|"
        rf"respond)\b",
        r"\b(?:if|when|whenever) (?:the |a |any |this )?(?:customer|user)s? (?:asks?|writes?|"
        r"wants)\b"
        r".{0,60},\s?(?:also |always |please |just )?(?:say|answer|reply|respond|tell|claim|"
        r"promise|"
        r"read out|confirm|leave out|give)\b",
        r"\b(?:correct|right|only)(?: valid)? (?:wording|answer|reply|response) (?:for|to) "
        r"(?:\w{1,10} )?(?:customers?|users?|questions?) is\b",
        r"\bonly valid (?:answer|reply|response)\b",
        r"\bthe (?:answer|reply) is\s?:.{0,60}\bthe (?:answer|reply) is\s?:",
    ),
    "it asks for the prompt or for others' data": (
        r"\b(?:reveal|print|show|output|repeat|leak|display|list|recite|paste|translate|encode|"
        r"quote|send|share)\b.{0,30}\b(?:(?:system|hidden) prompt|your (?:\w{1,12} )?(?:prompt|"
        r"instructions|rules|guidelines)|(?:everything|all words) (?:that stands )?above)\b",
        r"\b(?:text|characters|summary|part) of (?:your|its) (?:prompt|instructions|rules)\b",
        r"\b(?<!never )(?<!not )(?<!n['’]t )"
        r"(?:reveal|show|leak|list|print|give|read out)\b.{0,20}\b(?:all|every|other|another)"
        r"(?: other)? customers?\b(?:['’]s?)?.{0,20}\b(?:names|orders|address(?:es)?|e-?mails?|"
        r"data|"
        r"details|phone|on file)\b",
    ),
    "it has an order in a spelling that only a machine reads": (
        r"\b(?:decode|translate|read)\b.{0,30}\b(?:base64|rot13)\b|\bin (?:base64|rot13)\b"
        r"|\((?:rot13|base64)\b",
    ),
    "it holds code": (r"<!--|!\[[^\]]{0,200}\]\(|<(?:script|img|iframe)\b|\bjavascript:",),
}
_BY_REASON = {
    why: re.compile("|".join(patterns), re.IGNORECASE) for why, patterns in _REASONS.items()
}
_DISGUISED = "it has an order in a spelling that only a machine reads"
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{24,}+={0,2}")
_LINK = re.compile(r"https?://|www\.|\]\(", re.IGNORECASE)
_HIDDEN = re.compile(r"[\U000e0000-\U000e007f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\u00ad]")
# Invisible letters that a model reads as ASCII.
_TAGS = {0xE0000 + code: code for code in range(0x20, 0x7F)}
_MARKS = re.compile(r"<\||\|>")


def instructs(text: str) -> bool:
    """Tell whether a text gives the model an order."""
    return bool(order_in(text))


@remembered
def order_in(text: str) -> str:
    """Return why a text is taken for an order to the model, "" if it is not."""
    seen = visible(text.translate(_TAGS))
    for why, pattern in _BY_REASON.items():
        if pattern.search(seen):
            return why
    return _DISGUISED if any(map(is_prose, _ENCODED.findall(seen))) else ""


def left_out(line: str, shared: bool) -> str:
    """Return why no answer may rest on this line of a record, "" if one may.

    A note in a customer's own record must not send them to a page; a field ("Tracking: https://…")
    may.
    """
    if why := order_in(line):
        return why
    sends = not shared and _LINK.search(line) and not FIELD.match(line)
    return "it sends the customer to another page" if sends else ""


def is_prose(encoded: str) -> bool:
    """Tell whether base64 decodes to words; a key or a checksum decodes to noise."""
    try:
        text = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return False
    return text.isprintable() and text.count(" ") >= len(text) / 20


def plain(text: str) -> str:
    """Do as `visible` does, and remove the marks of chat templates."""
    return _MARKS.sub(" | ", visible(text))


def visible(text: str) -> str:
    """Remove invisible characters and normalise letters."""
    return _HIDDEN.sub("", unicodedata.normalize("NFKC", text))
