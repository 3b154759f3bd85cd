"""Evaluations on files that are not of this site."""

from chatbot.evaluation.retrieval import as_records
from crm.knowledge.records import parse


def test_a_corpus_is_shared_knowledge_of_which_each_text_is_a_record() -> None:
    rows = [{"id": "a", "text": "Tents are kept dry."}, {"id": "b", "title": "Stoves", "text": "…"}]
    records = [parse(row) for row in as_records(rows)]
    assert [(record.id, record.title) for record in records] == [("a", "Text"), ("b", "Stoves")]
    assert [record.customer_id for record in records] == [None, None]
