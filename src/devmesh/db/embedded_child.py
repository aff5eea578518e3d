"""Runs a command as a child that cannot outlive its parent; also a script of its own, started by `bound`.

It is a separate small program because the order matters: the death signal is lost when a process
changes its user, and it is bound to the thread that forked, so neither a shell nor a thread will do.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine that a child runs as."""

    name: str
    uid: int
    gid: int


def bound(command: list[str], death_signal: signal.Signals, user: User | None = None) -> list[str]:
    """Return the command line that runs `command` in its own session until this process dies, as `user` if given.

    Must be started from the main thread: the kernel counts the death of the starting thread.
    """
    identity = f"{user.uid}:{user.gid}" if user else "-"
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), identity, *command]


def _become(parent: int, death_signal: int, identity: str, command: list[str]) -> None:
    # A session of its own keeps Ctrl-C in a terminal from reaching the database before its clients are done.
    os.setsid()
    os.umask(0o077)
    library = ctypes.CDLL(None, use_errno=True)
    if identity != "-":
        uid, gid = (int(part) for part in identity.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux" and library.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have died before the signal was asked for.
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
