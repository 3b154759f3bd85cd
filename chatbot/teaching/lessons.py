"""Turns test questions that people taught into lessons for the reranker.

Only inboxes that allow learning give any, and only questions about shared records: a customer's own
orders and tickets are never trained on, and names and numbers are taken out of the question.
"""

from collections.abc import Iterator

from chatbot.models import Case
from chatbot.privacy.known import known_of
from chatbot.privacy.redaction import redact
from crm.knowledge import search
from crm.models import Passage
from inference.evaluation.answers import REFUSE, holds, plain
from inference.lines import cut
from inference.reading.training.data import Asked, Lesson

# Passages that are read beside those of the record that answers.
NEIGHBOURS = 14


def lessons() -> Iterator[Lesson]:
    """Yield a lesson of one question for each case, oldest first."""
    consented = Case.objects.filter(active=True, inbox__learning=True, before={})
    for case in consented.select_related("customer").order_by("id").iterator():
        texts = read(case)
        right = answering(case, texts)
        if right or case.expect == REFUSE:
            question = redact(case.question, known_of(case.customer))
            yield Lesson(tuple(map(cut, texts)), (Asked(question, frozenset(right)),))


def read(case: Case) -> list[str]:
    """Return the shared passages of the record that answers, and those near to the question."""
    own = Passage.objects.filter(record=case.record, customer=None, record__deleted=False)
    near = search.search(case.question, None, limit=NEIGHBOURS)
    texts = [*own.order_by("position").values_list("text", flat=True), *(hit.text for hit in near)]
    return list(dict.fromkeys(texts))


def answering(case: Case, texts: list[str]) -> set[int]:
    """Return the places of the record's lines that hold a fact of the right answer."""
    groups = case.expect if isinstance(case.expect, list) else []
    options = [option for group in groups for option in group]
    passages = Passage.objects.filter(record=case.record, customer=None)
    of_record = set(passages.values_list("text", flat=True))
    lines = [(text in of_record, line) for text in texts for line in cut(text)[1]]
    return {
        place
        for place, (own, line) in enumerate(lines)
        if own and any(holds(plain(line), one) for one in options)
    }
