"""Finds e-mail addresses, however they are spelled, and postal addresses."""

from functools import partial

from chatbot.privacy.finders import every, in_one_line, together

# --- e-mail

# "At" and "dot" as people say them in several languages.
_AT = "at|ät|arobase|arroba|chiocciola|kukac|małpa|apenstaartje|snabel-a|klammeraffe"
_DOT = "dot|punkt|point|punto|punt|ponto|kropka|prick|punktum"


def _bracketed(words: str, more: str = "") -> str:
    marked = rf"\s?[-*~/]\s?(?:{words})\s?[-*~/]\s?"
    return rf"(?:[ _*-]?[\[({{<|]\s?(?:{words}{more})\s?[\])}}>|][ _*-]?|{marked})"


def _spoken(words: str) -> str:
    return rf"[ _*-](?:{words})[ _*-]"


_DOTS = rf"(?:[.。]|%2e| \. |{_bracketed(_DOT, '|[.]')}|{_spoken(_DOT)})"
_SIGN = rf"(?:\s{{0,3}}(?:@|%40|&#0?64;)\s{{0,3}}|{_bracketed(_AT, '|a|@')})"
# RFC 5321: 64 characters before the sign, 63 between two dots. Possessive, so that each is read
# once.
_LOCAL = r"[\w.+'’\u0300-\u036f-]{1,64}+"
_LABEL = r"[\w\u0300-\u036f-]{1,63}"
_TOP = r"[^\W\d_]{2,24}"
_WORD = r"[a-z0-9+-]{1,40}"
_SITE = rf"(?:{_WORD}\.){{1,4}}[a-z]{{2,24}}\b"
_SAID = rf"{_spoken(_DOT)}{_WORD}"
# "I bought it at shop dot com" is not an address.
_BOUGHT = r"(?:it|them|this|that|these|those|one|me|us|order(?:ed)?|bought|sold|found|available) "
emails = together(
    every(rf"(?:(?:\b\w ){{3,30}}|(?:\b{_WORD}{_spoken(_DOT)}){{1,4}})?"
          rf"{_LOCAL}\"?{_SIGN}{_LABEL}(?:{_DOTS}{_LABEL}){{0,5}}{_DOTS}{_TOP}", needs=_SIGN),
    # Without a sign, a spoken dot gives it away, or a name that is not a word.
    every(rf"\b(?!{_BOUGHT}){_WORD}(?:{_SAID}|[._]{_WORD}){{0,4}}{_spoken(_AT)}{_WORD}"
          rf"(?:\.{_WORD}){{0,3}}(?:{_SAID}){{1,4}}\b", needs=_spoken(_AT)),
    every(rf"\b[a-z]{{1,40}}(?:{_SAID}|[._][a-z]{{1,40}}){{1,4}} at {_SITE}", needs=" at "),
    every(rf"\b{_WORD}_at_{_SITE}"),
    # "AT" in capitals means the sign.
    every(rf"\b(?=\w{{0,40}}[a-z])(?i:{_WORD}) AT (?i:{_SITE})", flags=0),
    every(rf"\be-?mail(?: address)?(?: is)?:? (?P<value>{_WORD} at {_SITE})"),
)  # fmt: skip

# --- post

_NAME = r"[A-ZÀ-ÖØ-ÞŁŚŻŹĆÓ][\w'’.-]{0,30}+"
_NUMBER = r"\d{1,5}+(?: ?[A-Ha-h]\b)?+(?:[/-]\d{1,4}[A-Za-z]?){0,2}+"
_LINK = r"(?:am|an der|upon|sur|sous|de|del|la|le|les|in|bei|i)"
_TOWN = rf"{_NAME}(?:[ -](?:{_LINK}[ -])?{_NAME}){{0,3}}"
# Words between a number and a street that show that it is no address: 3 miles down the road.
_LITERAL = in_one_line(r"""(?:the|an?|on|in|of|to|down|my|your|our|this|that|from|at|for|and|or|per|
    each|by|is|with|k?m|miles?|lanes?|people|person)\b""")
_BETWEEN = rf"(?:(?!{_LITERAL})[^\W\d_][\w'’.-]{{0,30}} ){{1,3}}"
# Street words in any case; abbreviations in this case; and words with other meanings, which count
# only before a pause.
_STREETS = r"(?:street|road|avenue|lane|terrace|crescent|boulevard)"
_SHORT = in_one_line(r"""(?:St|Rd|Ave?|Ln|Dr|Ct|Cres|Blvd|Pl|Sq|Hwy|Pkwy|Ter|Gardens|Grove|Mews|
    Quay|Parade|Highway|Parkway)""")
_PLACES = r"(?:Drive|Close|Court|Place|Square|Way|Hill|Park|Walk)"
_PAUSE = r"(?=\s{0,2}(?:[,.;:!?)\n]|$))"
# What may follow a street: a road bike is not a road.
_GOES_ON = r"(?=\.?\s{0,2}(?:[^\w\s]|$|[A-Z\d]|(?:in|is|and|near|please|but|not|flat|as|for|by)\b))"
_ENDINGS = in_one_line(r"""(?:straße|strasse|str\.|weg|gasse|allee|damm|ufer|chaussee|straat|laan|
    (?<!sitz)(?<!stell)(?<!park)(?<!liege)(?<!schlaf)(?<!arbeits)platz|plein|gracht|vej|
    (?<!bri)(?<!rene)gade|gatan|vägen|veien|gata|katu|intie)""")
_STORED = r"(?:[GT]B|USB|SSD|HDD|Hard|Flash|Disk|Pen|Thumb)\b"
_WAYS = r"(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ufer|Damm)"
_RUES = r"(?:rue|avenue|boulevard|bd|allée|impasse|chemin|quai)"
_CALLES = in_one_line(r"""(?:[Cc]alle|[Cc]/|[Aa]venida|[Aa]vda\.?|[Pp]aseo|[Pp]laza|[Cc]arrer|
    [Vv]iale|Via|[Pp]iazza|[Cc]orso|[Rr]ua|[Rr]ue|[Aa]venue|
    [Bb]oulevard|[Cc]hemin|[Qq]uai|[Tt]ravessa|[Pp]raça|[Uu]l\.|[Aa]l\.)""")
_OF = r"(?:(?:[dl]['’]|d[eaou]s?|le|de[li]|della|dei|dos|las?|los|San|Santa) ?){0,3}"
# The number before a unit of length, weight or time is not a house number.
_MEASURE = r"(?i:(?! ?(?:[ckm]?m|k?g|l|tage|stunden|days?|hours?|uhr|%|€|euros?)(?!\w)))"
# What may follow a street, on the next line or after a comma: postcode and town, in either order.
_REST = in_one_line(rf"""(?:
    ,?\s?(?:[A-Z]{{1,2}}-)?
    (?:\d{{3,5}}(?: ?\d\d(?!\d)|-\d{{3,4}}| [A-Z]{{2}})?|\d\d-\d{{3}}) {_TOWN}|
    ,\s?{_TOWN},?(?: [A-Z]{{2,3}})? \d{{4,6}}(?:-\d{{4}})?)?""")
# Words that do not belong to the street: "We moved to Hauptstraße 12, 80331 München".
_WHO = r"(?:I|We|He|She|They|You|My|Our|His|Her|Please|Is|The|Ich|Wir|Sie|Er|Je|Nous) "
_FLAT = r"(?i:(?:flat|apt\.?|apartment|unit|suite|room) ?#?\w{1,5},? )?"


# Units and abbreviations that look like the letters of a Dutch postcode: 1500 KG.
_UNITS = in_one_line(r"""(?:[CKM]?M|K?G|[MGT]B|ML|HZ|EU|US|UK|PC|AD|BC|CE|IU|GT|GE|RS|XL|CC|PS|KW|
    HP|LM|AM|PM|SA|SD|SS)\b""")


def _street(pattern: str) -> str:
    return rf"\b{_FLAT}{pattern}{_REST}"


# Capital letters matter, since names are recognised by them.
_cased = partial(every, flags=0, needs=r"\d")
_UK = (
    r"[A-PR-UWYZ](?:\d\d?|[A-HK-Y]\d\d?|\d[A-HJKPSTUW]|[A-HK-Y]\d[ABEHMNPRVWXY])"
    r" \d(?!XL)[ABD-HJLNP-UW-Z]{2}\b"
)
posts = together(
    _cased(_street(rf"(?i:{_NUMBER},? {_BETWEEN}{_STREETS}\b){_GOES_ON}")),
    _cased(_street(
        rf"{_NUMBER},? (?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)) ){{1,3}}{_SHORT}\b\.?{_GOES_ON}"
    )),
    _cased(_street(rf"{_NUMBER},? (?:(?!{_STORED}){_NAME} ){{1,3}}{_PLACES}{_PAUSE}")),
    # Lindenallee 5, Kölner Str. 12, Prinsengracht 263.
    _cased(_street(rf"(?i:[^\W\d_][\w-]{{1,40}}{_ENDINGS}\s{_NUMBER}){_MEASURE}")),
    _cased(_street(rf"(?:{_NAME}[ -]){{1,2}}{_WAYS}\s{_NUMBER}{_MEASURE}")),
    # 12 bis, rue de la Paix.
    _cased(_street(
        rf"(?i:\d{{1,4}}(?: ?bis| ?ter)?,? {_RUES}(?: d[eu]| des| l[ae]s?){{0,3}} "
        r"(?:[dl]['’])?[\w'’-]{2,30})"
        rf"(?: {_NAME}){{0,3}}"
    )),
    # Calle Mayor 5, Via Roma 12, Rua Augusta, 100, ul. Długa 7/3.
    _cased(_street(
        rf"{_CALLES} ?{_OF}(?:{_NAME} ?){{1,3}},? ?(?:n[.º°o]{{0,2}} ?)?{_NUMBER}\b{_MEASURE}"
    )),
    # Am Alten Markt 5, 50667 Köln: any words before a postcode and a town.
    _cased(rf"\b(?!{_WHO}){_NAME} (?:[^\W\d_][\w'’.-]{{0,30}}+ ){{0,3}}\d{{1,3}}(?: ?[a-h])?,"
        rf"\s?(?:[A-Z]{{1,2}}-)?\d{{3}} ?\d\d {_TOWN}"
    ),
    _cased(
        r"\b\d{1,4},? (?i:place|route|cours|square|passage) (?:d[eu]s? |d['’])(?:l[ae]s? )?"
        rf"{_NAME}{_REST}"
    ),
    every(
        r"\b(?:p\.?\s?o\.? ?box|postfach|apartado(?: de correos)?|casella postale|bo[iî]te postale"
        r"|postbus) \d[\d ]{0,8}\d?"
    ),
    # A house without a street word, if the text says that it is an address.
    _cased(
        rf"\b(?i:li(?:ve|ving|ves)|reside|address is|address:|wohne|anschrift:|adresse:|habite)"
        rf"(?i: at| in| am| im| au)?(?i: number| no\.?)? "
        rf"(?P<value>{_NUMBER},? {_NAME}(?: {_NAME}){{0,3}}{_REST})"
    ),
    # Postcodes that look like nothing else: of Britain, Canada, Ireland, the United States and
    # Australia, those with a country's letter, and those of the Netherlands.
    _cased(rf"(?:\b{_TOWN},? )?\b{_UK}"),
    _cased(rf"\b{_TOWN},? (?:[A-Z]{{2}} )?[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d\b"),
    _cased(r"\b(?:[AC-FHKNPRTV-Y]\d\d|D6W) (?=\w{0,3}\d)(?=\w{0,3}[A-Z])[0-9AC-FHKNPRTV-Y]{4}\b"),
    _cased(rf"\b{_TOWN}, [A-Z]{{2}} \d{{5}}(?:-\d{{4}})?\b"),
    _cased(rf"\b{_TOWN},? (?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT) \d{{4}}\b"),
    _cased(rf"\b(?:[ABDEFILNS]|CH|NL|DK|PL|FIN?)-\d\d-?\d{{2,3}} {_TOWN}"),
    _cased(rf"\b[1-9]\d{{3}} ?(?!{_UNITS})[A-Z]{{2}} {_TOWN}\b"),
    _cased(
        r"\b(?i:plz|postleitzahl|post ?code|zip(?: code)?|c[oó]d(?:e|igo) postal|cep|eircode"
        r"|kod pocztowy|postnummer)(?i: is| ist|:| est| es)?:? "
        r"(?P<value>(?i:(?:[A-Z]{1,2}-)?(?=[\dA-Z]{0,4}\d)[\dA-Z]{2,5}"
        rf"(?:[ -]\d[\dA-Z]{{0,4}})?)(?: {_TOWN})?)"
    ),
)  # fmt: skip
