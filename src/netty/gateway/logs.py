"""Logs: one line an event, on stderr, with nothing in it that could forge another line."""

import logging
import os
import sys
from typing import Final

_FORMAT: Final = "%(asctime)s.%(msecs)03d%(zone)s %(levelname)-7s %(who)s[%(process)d] %(message)s"


class _OneLine(logging.Formatter):
    """Escapes control characters: AE titles and UIDs come from outside. Tracebacks keep their lines."""

    def __init__(self, who: str) -> None:
        super().__init__(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
        self._who = who

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.who = self._who
        record.zone = self.formatTime(record, "%z")
        record.message = "".join(char if char.isprintable() else repr(char)[1:-1] for char in record.message)
        return super().formatMessage(record)


def configure_logging(who: str) -> None:
    """Log to stderr; NETTY_LOG sets the level (DEBUG, INFO, WARNING, ERROR; INFO by default)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(who))
    level = os.environ.get("NETTY_LOG", "INFO").upper()
    logging.basicConfig(
        level=level if level in logging.getLevelNamesMapping() else "INFO", handlers=[handler], force=True
    )
    for chatty in ("dbos", "alembic", "uvicorn.access", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
