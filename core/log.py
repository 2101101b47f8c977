"""One way to log: an event name, then fields. To stderr, always; JSON in service, coloured on a terminal."""

import logging
import sys
from typing import Protocol, cast

import structlog


class Logger(Protocol):
    """The part of a structured logger that we use."""

    def debug(self, event: str, **fields: object) -> None:
        """Log for a developer."""

    def info(self, event: str, **fields: object) -> None:
        """Log what an operator wants to know."""

    def warning(self, event: str, **fields: object) -> None:
        """Log what an operator should look at."""

    def error(self, event: str, **fields: object) -> None:
        """Log what an operator must look at."""


def configure(*, json: bool, level: str = "info") -> None:
    """Set logging up, once, at the start of the program."""
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Logger:
    """Return the logger of a module, to be called with its `__name__`."""
    return cast("Logger", structlog.get_logger(module=name))
