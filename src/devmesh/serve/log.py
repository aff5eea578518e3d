"""Log lines: one each, to standard error, in UTC."""

from __future__ import annotations

import sys
import time


def say(text: str, level: str = "INFO") -> None:
    """Write one line of the parent's log; it needs no logging framework."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = text.replace("\n", " | ")
    sys.stderr.write(f"{moment} {level} devmesh.serve: {line}\n")
    sys.stderr.flush()
