"""The parent's side of one worker: started ahead, told what to do over a pipe, started again with patience."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from devmesh.db.embedded_child import bound
from devmesh.serve.handover import Handover

_STEADY_SECONDS = 5.0
_LONGEST_PAUSE = 5.0
_SHORTEST_PAUSE = 0.1


class Pause:
    """How long to wait before a start: not at all, then longer each time that the last one did not hold."""

    def __init__(self) -> None:
        self._failures = 0
        self._started = 0.0
        self._due = 0.0

    @property
    def due(self) -> float:
        """When (monotonic) the next start may be."""
        return self._due

    def started(self) -> None:
        """Count from now."""
        self._started = time.monotonic()

    def ended(self) -> None:
        """Put off the next start if this one was short."""
        now = time.monotonic()
        self._failures = 0 if now - self._started > _STEADY_SECONDS else self._failures + 1
        pause = min(_SHORTEST_PAUSE * 2 ** (self._failures - 2), _LONGEST_PAUSE) if self._failures > 1 else 0.0
        self._due = now + pause


def start_child(
    module: str, *arguments: str, environ: Mapping[str, str], descriptors: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start `python -m module`, to be killed when we die; it waits on standard input for its `Handover`."""
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        bound([sys.executable, "-m", module, *arguments], signal.SIGKILL),
        stdin=subprocess.PIPE,
        env=dict(environ),
        pass_fds=descriptors,
    )


def hand_over(child: subprocess.Popen[bytes], handover: Handover | None) -> None:
    """Give the child what it waits for (None: nothing, it ends); one that has died already is left alone."""
    if child.stdin is None or child.stdin.closed:
        return
    try:
        child.stdin.write(handover.to_bytes() if handover else b"")
        child.stdin.close()
    except BrokenPipeError:
        return


class WorkerProcess:
    """One worker over its lives."""

    def __init__(self, number: int, target: str, listener: int, environ: Mapping[str, str]) -> None:
        self.number = number
        self.ready = False
        self.pause = Pause()
        self._target = target
        self._listener = listener
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None

    @property
    def running(self) -> bool:
        """Whether a process is there, as far as `reap` knows."""
        return self._process is not None

    @property
    def pipe(self) -> int | None:
        """The descriptor on which the worker says that it is ready."""
        return self._pipe

    def start(self) -> None:
        """Start the process; it loads the program and waits for `hand_over`."""
        self._pipe, write = os.pipe()
        try:
            descriptors = (self._listener, write)
            self._process = start_child(
                "devmesh.serve.worker",
                *(self._target, *map(str, descriptors)),
                environ=self._environ,
                descriptors=descriptors,
            )
        finally:
            os.close(write)
        self.pause.started()

    def hand_over(self, handover: Handover) -> None:
        """Have it begin to serve."""
        if self._process is not None:
            hand_over(self._process, handover)

    def heard(self) -> bool:
        """Read from `pipe`; whether the worker has just become ready."""
        said = os.read(self._pipe, 16) if self._pipe is not None else b""
        if not said:
            self._close_pipe()
            return False
        self.ready = True
        return True

    def reap(self) -> int | None:
        """Return the exit code if the process has ended since the last call (negative: the signal), else None."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None:
            self._forget()
        return code

    def ask_to_stop(self) -> None:
        """Send SIGTERM; one that was not told to serve yet ends at once."""
        if self._process is not None:
            hand_over(self._process, None)
            self._process.terminate()

    def wait_or_kill(self, until: float) -> bool:
        """Wait for its end until then (monotonic), kill it after; return whether it ended by itself."""
        if self._process is None:
            return True
        in_time = True
        try:
            self._process.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            in_time = False
            self._process.kill()
            self._process.wait()
        self._forget()
        return in_time

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
        self.ready = False
        self._close_pipe()
        self.pause.ended()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
