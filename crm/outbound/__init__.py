"""Events to the CRM: an outbox, and a courier that delivers it."""
