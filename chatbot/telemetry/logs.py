"""Log lines: for people, or JSON for a collector, with the ids of request, conversation and task.

No line holds what anybody wrote on purpose: texts are in the database. Where one comes by chance,
in an error or an address, personal data is taken out of it.
"""

import logging
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import structlog

from chatbot.privacy.redaction import mask

# What the CRM knows of the customer whose work is under way.
KNOWN: ContextVar[tuple[str, ...]] = ContextVar("known", default=())


def about(known: Iterable[str]) -> None:
    KNOWN.set(tuple(known))


def masked(_logger: Any, _method: str, line: Any) -> Any:
    """Every text of the line: the event, what is bound to it, a traceback. Of an address what is
    asked for there stays out: staff search for people by name."""
    known = KNOWN.get()
    if "request" in line:
        line["request"] = str(line["request"]).partition("?")[0]
    return {name: mask(one, known) if isinstance(one, str) else one for name, one in line.items()}


LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class Masked(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record), KNOWN.get())


# What is bound to the work under way, and what every line has.
SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    masked,
]
LINE = {"()": Masked, "fmt": "{asctime} {levelname} {name}: {message}", "style": "{"}
JSON = {
    "()": structlog.stdlib.ProcessorFormatter,
    "foreign_pre_chain": SHARED,
    "processors": [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ],
}


def configured(as_json: bool, level: str) -> dict[str, Any]:
    """LOGGING. level "": information of our own, warnings of others."""
    structlog.configure(
        # What is not logged is not masked either: most of the work of a line.
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": JSON if as_json else LINE},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level or "WARNING"},
        "loggers": {
            "attune": {"level": level or "INFO"},
            # Each request, with its id: for a collector, not for people.
            "django_structlog": {"level": (level or "INFO") if as_json else "CRITICAL"},
            # One clear line comes from the command; the pool's own retries would drown it.
            "psycopg.pool": {"level": "ERROR"},
        },
    }
