"""Sends events to the CRM: an outbox, and a courier that delivers from it."""
