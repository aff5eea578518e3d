"""The parent of everything that `devmesh serve` runs: restarts what is killed, leaves nothing when it is killed itself.

It imports neither a driver nor a server nor asyncio: it stays small, and it hardly ever does anything.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping

from devmesh.crypto.master import load_master_key
from devmesh.db.data_dir import make_data_dir
from devmesh.db.embedded import Embedded
from devmesh.db.embedded_binaries import EmbeddedError
from devmesh.serve.handover import Handover
from devmesh.serve.log import say
from devmesh.serve.worker_process import Pause, WorkerProcess, hand_over, start_child
from devmesh.settings import Settings

PROGRAM = "devmesh.app:build"
_TICK_SECONDS = 1.0
_TURN_SECONDS = 0.01
_PATIENCE_SECONDS = 15.0


class StartFailed(RuntimeError):
    """A child could not start for a reason that trying again does not mend; it has said which."""


class Asked(BaseException):
    """The service was asked to stop while it was starting."""


class Supervisor:
    """PostgreSQL and the workers, as direct children; `run` returns when the service has ended."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        environ: Mapping[str, str],
        *,
        target: str = PROGRAM,
        when_ready: Callable[[], object] = bool,
    ) -> None:
        self.settings = settings
        self._listener = listener
        self._environ = environ
        self._when_ready = when_ready
        self._database = Embedded(settings.data_dir) if settings.embedded else None
        self._database_pause = Pause()
        self._workers = [
            WorkerProcess(number, target, listener.fileno(), environ) for number in range(1, settings.workers + 1)
        ]
        self._handover: Handover | None = None
        self._asked = 0
        self._served = False
        self._patient_until = 0.0
        self._wake: tuple[int, int] = (-1, -1)

    def run(self) -> int:
        """Serve until SIGTERM, SIGINT or SIGHUP and return 0; raise what makes a start impossible."""
        self._listen_to_signals()
        try:
            self._start()
            while not self._asked:
                self._wait(self._next_due())
                self._look_after_database()
                self._look_after_workers()
        except Asked:
            pass
        finally:
            self._end()
        return 0

    def _listen_to_signals(self) -> None:
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        for asked in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(asked, self._ask)
        # The handler does nothing: that a child has ended only needs to wake us.
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _ask(self, *_: object) -> None:
        self._asked += 1

    def _start(self) -> None:
        master_key = self._take_data_dir()
        # Loading takes children as long as the database takes to start: both at once.
        migration = start_child("devmesh.serve.migration", environ=self._environ)
        for worker in self._workers:
            worker.start()
        try:
            self._start_database()
        except BaseException:
            hand_over(migration, None)
            migration.wait()
            raise
        self._handover = Handover(
            self.settings.host,
            self.settings.port,
            self.settings.workers,
            master_key,
            self._database.owner_dsn if self._database else None,
            self._database.app_dsn if self._database else None,
        )
        hand_over(migration, self._handover)
        self._finish_migration(migration)
        self._patient_until = time.monotonic() + _PATIENCE_SECONDS
        for worker in self._workers:
            worker.hand_over(self._handover)

    def _start_database(self) -> None:
        if self._database is None:
            return
        self._database.prepare()
        self._database.start()
        self._database_pause.started()
        try:
            self._database.wait_until_ready(given_up=lambda: bool(self._asked))
        except EmbeddedError:
            if self._asked:
                raise Asked from None
            raise

    def _take_data_dir(self) -> bytes | None:
        if self._database:
            self._database.hold()
        else:
            make_data_dir(self.settings.data_dir)
        return load_master_key(self.settings)

    def _finish_migration(self, migration: subprocess.Popen[bytes]) -> None:
        while migration.poll() is None and not self._asked:
            time.sleep(_TURN_SECONDS)
        if self._asked:
            migration.terminate()
            migration.wait()
            raise Asked
        if migration.returncode != 0:
            raise StartFailed("The database could not be brought up to date; the lines above say why.")

    def _next_due(self) -> float:
        dues = [worker.pause.due for worker in self._workers if not worker.running]
        if self._database and self._database.process is None:
            dues.append(self._database_pause.due)
        return min([_TICK_SECONDS, *(max(due - time.monotonic(), 0) for due in dues)])

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake[0], select.POLLIN)
        pipes = {worker.pipe: worker for worker in self._workers if worker.pipe is not None}
        for pipe in pipes:
            poll.register(pipe, select.POLLIN)
        for descriptor, _ in poll.poll(seconds * 1000):
            if descriptor == self._wake[0]:
                os.read(descriptor, 512)
            elif pipes[descriptor].heard():
                self._became_ready(pipes[descriptor])

    def _became_ready(self, worker: WorkerProcess) -> None:
        if self._served:
            say(f"worker {worker.number} is ready again")
        elif all(each.ready for each in self._workers):
            self._served = True
            self._when_ready()

    def _look_after_database(self) -> None:
        if self._database is None:
            return
        if self._database.process is not None and self._database.process.poll() is not None:
            say(f"PostgreSQL ended ({_how(self._database.process.returncode)}); starting it again", "ERROR")
            self._database.process = None
            self._database_pause.ended()
        if self._database.process is None and time.monotonic() >= self._database_pause.due:
            self._database.start()
            self._database_pause.started()

    def _look_after_workers(self) -> None:
        for worker in self._workers:
            code = worker.reap()
            if code is not None and not self._asked:
                if not self._served and code >= 0 and not self._may_pass(code):
                    raise StartFailed("A worker could not start; the lines above say why.")
                say(f"worker {worker.number} ended ({_how(code)}); starting it again", "ERROR")
            if not worker.running and not self._asked and time.monotonic() >= worker.pause.due:
                worker.start()
                if self._handover:
                    worker.hand_over(self._handover)

    def _may_pass(self, code: int) -> bool:
        """Whether a worker that did not come to serve may the next time: its database is perhaps being started."""
        return code == os.EX_TEMPFAIL and time.monotonic() < self._patient_until

    def _end(self) -> None:
        # Closed here first: once the workers accept nothing more, nobody shall wait in the queue in vain.
        self._listener.close()
        until = time.monotonic() + self.settings.drain_seconds
        asked = self._asked
        if asked and self._served:
            seconds = f"{self.settings.drain_seconds:.0f} s"
            say(f"stopping: requests under way have {seconds} to end, a second Ctrl-C ends them")
        for worker in self._workers:
            worker.ask_to_stop()
        # Whoever asks twice does not want to wait.
        while any(worker.running for worker in self._workers) and time.monotonic() < until and self._asked == asked:
            for worker in self._workers:
                worker.reap()
            self._wait(min(_TICK_SECONDS, max(until - time.monotonic(), 0)))
        for worker in self._workers:
            if not worker.wait_or_kill(time.monotonic()):
                say(f"worker {worker.number} was killed: it had not ended in time", "WARNING")
        if self._database:
            self._database.stop()
            self._database.release()


def _how(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
