"""The demo shop and its CRM."""
