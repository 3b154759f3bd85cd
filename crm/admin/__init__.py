"""Admin pages of records, customers and webhooks. Importing a module registers its pages."""

from crm.admin import deliveries, endpoints, kinds, sources
from crm.admin.records import ReadOnly

__all__ = ["ReadOnly", "deliveries", "endpoints", "kinds", "sources"]
