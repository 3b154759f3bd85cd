"""Celery discovers the tasks here; each is defined in the module whose work it does."""

from crm.importing.erasing import forget_in_imports
from crm.importing.jobs import forget_imports, look_after_imports, look_at_place
from crm.importing.runs import work_on_import
from crm.inbound.apply import apply_inbound
from crm.knowledge.jobs import embed, refresh_index
from crm.outbound.notices import mail_switched_off
from crm.websites.jobs import look_after_websites, read_website

__all__ = [
    "apply_inbound",
    "embed",
    "forget_imports",
    "forget_in_imports",
    "look_after_imports",
    "look_after_websites",
    "look_at_place",
    "mail_switched_off",
    "read_website",
    "refresh_index",
    "work_on_import",
]
