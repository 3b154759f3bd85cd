"""Guesses what a table's columns mean, from their names and values. A person checks the guesses."""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

from crm.importing.columns import Column
from crm.knowledge import record_text
from inference.text import without_accents, words_of

Score = Callable[[Column], float]
# Parts of columns' names in English, German, French, Spanish, Italian and Dutch, the more telling
# ones first: a name that holds an earlier one is preferred.
NUMBERED = ("id", "number", "no", "nr", "nummer", "num", "numero", "code", "ref", "reference")
CUSTOMER = (
    "customer", "client", "kunde", "kunden", "cliente", "klant", "member", "mitglied", "buyer",
    "account", "subscriber", "policyholder", "patient", "tenant", "guest", "user", "contact",
    "email", "mail",
)  # fmt: skip
TITLE = (
    "title", "subject", "question", "headline", "heading", "betreff", "titel", "frage", "titre",
    "sujet", "titulo", "asunto", "pregunta", "titolo", "oggetto", "domanda", "onderwerp", "vraag",
)  # fmt: skip
TEXT = (
    "answer", "text", "body", "content", "antwort", "inhalt", "reponse", "contenu", "respuesta",
    "contenido", "risposta", "contenuto", "antwoord", "inhoud", "description", "beschreibung",
)  # fmt: skip
UPDATED = (
    "updated", "modified", "changed", "last change", "geandert", "aktualisiert", "modifie",
    "actualizado", "modificato", "gewijzigd",
)  # fmt: skip
# Whole names: a "payment type" is no kind of record.
KIND = (
    "kind", "type", "record type", "record kind", "document type", "art", "typ", "belegart",
    "vorgangsart", "genre", "tipo", "soort",
)  # fmt: skip
STATUS = ("status", "state", "stage", "zustand", "statut", "etat", "estado", "stato")
OWN = (
    "ordered", "order date", "booked", "issued", "invoice date", "purchased", "placed", "created",
    "opened", "bestellt", "bestelldatum", "rechnungsdatum", "commande", "fecha pedido", "started",
    "start", "date", "datum", "fecha", "data",
)  # fmt: skip
EXPECTED = (
    "expected", "estimated", "eta", "due", "promised", "scheduled", "planned", "appointment",
    "fallig", "liefertermin", "prevu", "echeance", "previsto", "vencimiento", "scadenza",
    "verwacht", "deadline", "renewal", "expires", "expiry", "valid until",
)  # fmt: skip
DONE = (
    "delivered", "completed", "finished", "closed", "paid", "returned", "done", "resolved",
    "geliefert", "bezahlt", "abgeschlossen", "erledigt", "livre", "paye", "entregado", "pagado",
    "consegnato", "pagato", "geleverd", "betaald", "shipped", "dispatched", "versendet",
)  # fmt: skip
TOTAL = (
    "grand total", "total", "gesamt", "gesamtbetrag", "summe", "amount", "betrag", "montant",
    "importe", "importo", "totale", "totaal", "bedrag", "price", "preis", "prix", "precio",
    "prezzo", "prijs", "premium", "cost", "fee", "value",
)  # fmt: skip
# Columns that customers are rather not told until somebody has looked.
INTERNAL = (
    "internal", "intern", "interne", "interno", "note", "notes", "notiz", "bemerkung", "comment",
    "comments", "margin", "marge", "cost price", "purchase price", "einkaufspreis", "supplier",
    "lieferant", "password", "passwort", "secret", "token", "hash", "pin", "iban", "cvv", "card",
    "staff", "agent", "risk", "score", "fraud", "credit limit",
)  # fmt: skip
PERSONS = ("name", "first", "last", "vorname", "nachname", "phone", "address", "type", "group")
NOT_TOTAL = ("tax", "vat", "net", "netto", "items", "quantity", "qty", "count", "number", "points")
# Few distinct words are a status, but not in columns with such names.
NO_STATUS = (
    "currency", "country", "city", "town", "colour", "color", "size", "type", "category", "method",
    "payment", "carrier", "language", "unit", "product", "item", "name", "gender", "store", "shop",
)  # fmt: skip
# Letters of a name that is recognised in compounds too.
STEM = 5
# How the names of columns with numbers end in one word: "orderid", "Rechnungsnummer".
NUMBER_ENDS = ("nummer", "number", "nr", "id", "no")
# Words in the names of files that say nothing of what is in them.
EMPTY = {
    "export", "exported", "list", "all", "new", "final", "copy", "data", "report", "sheet", "table",
    "tabelle", "feuil", "hoja", "foglio", "blad", "from", "of", "the", "my", "our", "q1", "q2",
    "q3", "q4", "latest", "current", "open", "full", "import", "upload", "test", "sample", "v",
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
}  # fmt: skip


def kind(table: str) -> str:
    """Guess the kind of a table's records: "order" for "orders_2026.csv". table: its name."""
    file, _, sheet = table.partition(": ")
    for name in (sheet, PurePosixPath(file).stem):
        words = re.findall(r"[^\W\d_]+", words_of(name).lower())
        if telling := [word for word in words if word not in EMPTY and len(word) > 1]:
            return record_text.singular(telling[-1])[:60]
    return "record"


def roles(columns: list[Column], kind: str) -> dict[str, str]:
    """Guess the column of each role; a role that no column has is left out."""
    found = Found(columns)
    found.choose("customer", _customer)
    found.choose("id", lambda column: _id(column, kind))
    found.choose("kind", _kind)
    found.choose("title", lambda column: _named(column, TITLE))
    found.choose("text", lambda column: _named(column, TEXT) * (column.texts > 0))
    dated = [column for column in columns if column.mostly(column.dates)]
    found.choose("updated_at", lambda column: _named(column, UPDATED), dated)
    found.choose("expected_date", lambda column: _named(column, EXPECTED), dated)
    found.choose("done_date", lambda column: _named(column, DONE), dated)
    found.choose("own_date", lambda column: _named(column, OWN) or 0.1, dated)
    found.choose("status", _status)
    found.choose("total", _total)
    if "id" not in found.chosen:  # A table of questions may have nothing else that is unique.
        unique = [column.name for column in columns if column.unique]
        title = found.chosen.get("title")
        if by := title if title in unique else next(iter(unique), None):
            found.chosen["id"] = by
    return found.chosen


def left_out(columns: Iterable[Column], chosen: Iterable[str]) -> list[str]:
    """Name the columns that seem to be for the staff only."""
    free = [column for column in columns if column.name not in set(chosen)]
    return [column.name for column in free if _named(column, INTERNAL)]


class Found:
    """Chooses the best free column of each role. Columns that are alike: the first."""

    def __init__(self, columns: list[Column]) -> None:
        self.columns = columns
        self.chosen: dict[str, str] = {}

    def choose(self, role: str, score: Score, among: list[Column] | None = None) -> None:
        free = [
            column
            for column in (self.columns if among is None else among)
            if column.name not in self.chosen.values()
        ]
        best = max(free, key=score, default=None)
        if best and score(best) > 0:
            self.chosen[role] = best.name


def _customer(column: Column) -> float:
    words = _words(column)
    score = _named(column, CUSTOMER)
    if not score or column.mostly(column.dates) or column.texts:
        return 0
    if _holds(words, PERSONS):
        return 0  # "Customer name": two people may have one name.
    return score + 1.0 * _holds(words, NUMBERED)


def _id(column: Column, kind: str) -> float:
    if not column.unique or column.mostly(column.dates) or column.texts:
        return 0
    words = _words(column)
    of_kind = bool(kind) and kind in words
    return _named(column, NUMBERED) + of_kind + 0.5 * words.endswith(NUMBER_ENDS)


def _kind(column: Column) -> float:
    if not column.few or column.texts or _words(column) not in KIND:
        return 0
    named = all(value[:1].isalpha() for value in column.values)
    return named and column.filled >= 4 * len(column.values)


def _status(column: Column) -> float:
    if column.mostly(column.numbers) or column.mostly(column.dates) or column.texts:
        return 0
    words = _words(column)
    if named := _named(column, STATUS):
        return named
    few = column.few and column.filled >= 4 * len(column.values)
    short = all(len(value.split()) <= 3 and value[:1].isalpha() for value in column.values)
    return 0.1 * (few and short and not _holds(words, (*NO_STATUS, *CUSTOMER, *INTERNAL)))


def _total(column: Column) -> float:
    is_amount = column.mostly(column.numbers) or re.search(r"[€$£]", "".join(column.values))
    return _named(column, TOTAL) * (bool(is_amount) and not _holds(_words(column), NOT_TOTAL))


def _named(column: Column, names: tuple[str, ...]) -> float:
    """Return how well the column's name fits, from 0 to 1. Earlier names fit better; if two columns
    fit the same name, the one with fewer words does: "Status" rather than "Engraving text
    status"."""
    words = _words(column)
    places = [at for at, name in enumerate(names) if _holds(words, (name,))]
    return 1 - 0.5 * min(places) / len(names) - 0.001 * len(words.split()) if places else 0


def _holds(words: str, names: tuple[str, ...]) -> bool:
    """Tell whether one of the names is among the words, or a long one begins one of them, as in
    "Kundennummer"."""
    spaced = f" {words} "
    return any(
        f" {name}" in spaced if len(name) >= STEM else f" {name} " in spaced for name in names
    )


def _words(column: Column) -> str:
    """Return the words of the column's name without accents: "order no" for "OrderNo."."""
    letters = without_accents(words_of(column.name).lower())
    return " ".join(re.findall(r"[^\W_]+", letters.replace("e-mail", "email")))
