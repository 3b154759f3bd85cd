"""The bot's answer to one message."""
