"""Webhooks from the CRM: received, then applied."""
