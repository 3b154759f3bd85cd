"""Celery discovers the tasks here; each is defined in the module whose work it does."""

from crm.inbound.apply import apply_inbound
from crm.knowledge.jobs import embed, refresh_index
from crm.outbound.notices import mail_switched_off

__all__ = ["apply_inbound", "embed", "mail_switched_off", "refresh_index"]
