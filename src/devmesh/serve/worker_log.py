"""How children log: as the parent does, one line for each record, tracebacks included."""

from __future__ import annotations

import logging
import sys
import time


class OneLine(logging.Formatter):
    """Formats a record as one line, so that nobody can forge another and every line can be searched."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%SZ"
    default_msec_format = ""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record without line breaks."""
        return " | ".join(super().format(record).splitlines())


def log_to_stderr() -> None:
    """Have every record of this process from INFO up written to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # It tells every vain attempt to reconnect with its traceback; our own lines say that the database is away.
    logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)
