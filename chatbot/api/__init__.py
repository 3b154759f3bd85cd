"""The REST API. Errors are RFC 9457 problem documents."""
