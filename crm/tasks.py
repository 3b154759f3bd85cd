"""Celery finds its tasks here; each is defined beside what it does."""

from crm.inbound.apply import apply_inbound
from crm.knowledge.jobs import embed, refresh_index
from crm.outbound.notices import mail_switched_off

__all__ = ["apply_inbound", "embed", "mail_switched_off", "refresh_index"]
