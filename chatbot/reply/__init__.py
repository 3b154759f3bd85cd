"""The bot's answer to one message; `runner.py` describes its whole way."""
