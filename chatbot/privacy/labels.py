"""Recognises the word beside a number, which says what kind of number it is."""

import re

from chatbot.privacy.finders import Find, Span, every, in_one_line

_FILL = in_one_line(
    r"""
    (?:[\s:#=_*\"'(\[-]|(?<=\bno)\.|(?<=\bnr)\.|\.(?=[\s-]?n[or]\b)|['’]s\b|(?<!\w)(?:number|numbers|no|nr|nummer|num|numéro|
    número|numero|n°|id|code|with|the|mit|der|is|was|are|ist|lautet|est|es|è|
    on the (?:back|card)|(?:of|on|for) my card|auf der (?:rückseite|karte))(?!\w)){0,8}
    """
)
# Numbers of things, never of people.
THINGS = in_one_line(
    r"""
    (?:purchase |sales |work |job )?orders?|p\.?o\.?|invoices?|inv|bill|receipts?|quotes?|rma|
    returns?|refund|credit note|imei\d?|meid|iccid|serials?|p/n|s/?n|sku|ean|gtin|upc|isbn|issn|
    asin|mpn|articles?|art|items?|products?|parts?|models?|batch|lot|version|
    (?:customer|user|shop|store) account|customers?|cust|fall(?:nummer)?|client|
    account manager|member(?:ship)?|loyalty(?: card)?|gift ?(?:card|voucher)|vouchers?|coupons?|
    tickets?|cases?|incident|references?|ref|tracking|parcels?|shipments?|consignment|awb|waybill|
    container|bookings?|reservation|contracts?|policy|claims?|transactions?|txn|project|asset|
    device|vin|chassis|meter|mac|build|firmware|bestell\w*|auftrag\w*|rechnung\w*|kunden\w*|
    serien\w*|artikel\w*|sendung\w*|paket\w*|vorgang\w*|vertrag\w*|liefer\w*|gerät\w*|zähler\w*|
    fahrgestell\w*|retoure\w*|gutschein\w*|ersatzteil\w*|commandes?|factures?|série|colis|
    référence|réf|suivi|dossier|contrat|produit|pedidos?|facturas?|cliente|serie|envío|albarán|
    referencia|artículo|ordine|fattura|seriale|matricola|spedizione|articolo|encomenda|fatura|
    bestelling|bestelnummer|factuur\w*|klant\w*|serienummer|zending|zamówieni\w*|faktur\w*|
    seryjny|ordernummer|kundnummer|tilaus\w*
    """
)

TELEPHONES = in_one_line(
    r"""
    (?:tele)?phones?|tel\.?|mobiles?|mob|cell(?: ?phone)?|fax|whats ?app|sms|my number|(?:call|
    ring|reach|text|phone) (?:me|us)(?: back)?(?: at| on| under)?|call ?back|telefon\w*|handy\w*|
    mobilnummer|rückruf|téléphone|portable|appelez[- ]moi(?: au)?|teléfono|móvil|llámame(?: al)?|
    telefono|cellulare|telefone|telemóvel|celular|telefoonnummer|mobiel|puhelin\w*
    """
)

CARDS = in_one_line(
    r"""
    (?<!gift )(?<!loyalty )(?<!sim )(?<!memory )(?:credit |debit |bank )?cards?|visa|master ?card|
    amex|american express|maestro|kredit\w*|ec-karte|carte (?:bancaire|bleue|de crédit)|tarjeta|
    carta di credito|cartão|creditcard|kort(?:nummer)?
    """
)
IDENTITIES = in_one_line(
    r"""
    passports?|reisepass\w*|passeport|pasaporte|passaporto?|paspoort|passnummer|paszport|
    (?:national )?(?:id|identity) (?:card|document)|national id|(?:personal)?ausweis\w*|
    carte d['’]identité|cni|carta d['’]identità|identiteitskaart|dowód|driv(?:er['’]?s|
    ing) licen[cs]e|führerschein\w*|permis de conduire|carnet de conducir|patente|rijbewijs|
    social (?:security|insurance)|ssn|tfn|national insurance|nino?|ni number|nhs|medicare|
    tax(?:payer)?(?: file| identification)? (?:id|no|number|code)|itin|utr|steuer-?(?:id|nummer|
    identifikation\w*)|idnr|sozialversicherung\w*|svnr|rentenversicherung\w*|sécurité sociale|
    numéro fiscal|dni|nif|seguridad social|codice fiscale|bsn|burgerservicenummer|pesel|cpf|cnpj|
    personnummer|fødselsnummer|personnr|cpr|hetu|henkilötunnus|ahv|avs|oib|egn|cnp|aadhaar|curp|
    rfc|my number card|vat (?:id|no|number|reg\w*)|ust-?id\w*
    """
)

ACCOUNTS = in_one_line(
    r"""
    sort code|(?:bank |my )account|routing|bic|swift|konto\w*|blz|bankleitzahl|bankverbindung|
    compte bancaire|cuenta(?: bancaria)?|conto corrente|rekening\w*|konta|bankgiro|plusgiro
    """
)
CHECKS = in_one_line(
    r"""
    cvc2?|cvv2?|csc|cvn|card (?:verification|security|check)(?: code| number| value| digits?)?|
    card code|security code|check (?:code|number)|prüf(?:ziffer|nummer)|kartenprüfnummer|
    cryptogramme|
    code de sécurité|código de seguridad|codice di sicurezza|(?:three|3|four|
    4)(?: last)? digits(?: (?:on|at) the back)?
    """
)
KINDS = {"things": THINGS, "phones": TELEPHONES, "cards": CARDS, "ids": IDENTITIES}
KINDS |= {"accounts": ACCOUNTS, "checks": CHECKS}
_NAMED = "|".join(rf"(?P<{kind}>{words})" for kind, words in KINDS.items())
# The number of characters before a number that are searched for a label.
BESIDE = 60
BEFORE = re.compile(rf"(?<![^\W_])(?:{_NAMED}){_FILL}$", re.IGNORECASE)
AFTER = re.compile(
    r"[ \t]?(?:[(\[]\s?|[ -]?(?:is|as|ist|est|es)\s(?:the|my|our|an?|die|meine?|le|mon|el|mi)?\s?)"
    rf"(?:{_NAMED})\b",
    re.IGNORECASE,
)
AND = re.compile(r"\s?[,;/&+]?\s?(?:(?:and|or|und|oder|et|ou|y|o|e|en)\s)?", re.IGNORECASE)


def kind_of(text: str, span: Span) -> str:
    """Return the kind that the word before or after the number names, or ""."""
    start, end = span
    match = BEFORE.search(text[max(0, start - BESIDE) : start])
    match = match or AFTER.match(text, end, end + BESIDE)
    return (match.lastgroup or "") if match else ""


def labelled(kind: str, value: str) -> Find:
    return every(rf"(?<![^\W_])(?:{KINDS[kind]}){_FILL}(?P<value>{value})", some_digits)


def some_digits(text: str) -> bool:
    return sum(character.isdigit() for character in text) >= 3
