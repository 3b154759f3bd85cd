"""Admin pages of records, customers and webhooks. Importing a module registers its pages."""

from crm.admin import (
    articles,
    deliveries,
    endpoints,
    import_plans,
    imports,
    kinds,
    sources,
    websites,
)
from crm.admin.records import ReadOnly

__all__ = [
    "ReadOnly",
    "articles",
    "deliveries",
    "endpoints",
    "import_plans",
    "imports",
    "kinds",
    "sources",
    "websites",
]
