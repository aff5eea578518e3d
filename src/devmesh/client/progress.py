"""What a person sees while something takes long: on standard error, and gone once it is done."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

_PATIENCE_SECONDS = 0.6
_TICK_SECONDS = 0.2
_BAR = 24
_ERASE = "\r\x1b[K"


class Progress:
    """`with Progress("reading keys") as progress`: draws a line that lives, with a bar once there is a total.

    Nothing is drawn of what is done in an instant, nor where nobody looks.
    """

    def __init__(self, what: str, total: int | None = None) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._over = threading.Event()
        self._begun = time.monotonic()
        self._drawer = threading.Thread(target=self._draw, daemon=True) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._drawer is not None:
            self._drawer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        self._over.set()
        if self._drawer is not None:
            self._drawer.join()

    def told(self, done: int) -> None:
        """Draw from now on that so many are done."""
        self._done = done

    def wait(self, seconds: float) -> None:
        """Wait as long as the server asks for; the line says so."""
        what, self._what = self._what, f"{self._what}: the server asks to wait {seconds:.0f} s"
        time.sleep(seconds)
        self._what = what

    def _draw(self) -> None:
        if self._over.wait(_PATIENCE_SECONDS):
            return
        while True:
            sys.stderr.write(_ERASE + self.line())
            sys.stderr.flush()
            if self._over.wait(_TICK_SECONDS):
                break
        sys.stderr.write(_ERASE)
        sys.stderr.flush()

    def line(self) -> str:
        """Return what is drawn now."""
        if self._total:
            filled = min(self._done, self._total) * _BAR // self._total
            return f"{self._what} [{'#' * filled}{'.' * (_BAR - filled)}] {self._done} of {self._total}"
        counted = f", {self._done} so far" if self._done else ""
        return f"{self._what}{counted} … {time.monotonic() - self._begun:.0f} s"
