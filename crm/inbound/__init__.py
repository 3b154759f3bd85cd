"""Receives webhooks from the CRM, then applies them."""
