"""Customers, their records and searchable passages, articles, imports and webhooks."""

from crm.models.articles import Article, ArticleVersion
from crm.models.imports import Import, ImportPlan
from crm.models.passages import IndexState, Key, Passage, Tombstone, Vector
from crm.models.records import Customer, Record, RecordKind
from crm.models.webhooks import Attempt, Delivery, Endpoint, InboundEvent, Mention, Source
from crm.models.websites import Website, WebsitePage

__all__ = [
    "Article",
    "ArticleVersion",
    "Attempt",
    "Customer",
    "Delivery",
    "Endpoint",
    "Import",
    "ImportPlan",
    "InboundEvent",
    "IndexState",
    "Key",
    "Mention",
    "Passage",
    "Record",
    "RecordKind",
    "Source",
    "Tombstone",
    "Vector",
    "Website",
    "WebsitePage",
]
