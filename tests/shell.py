"""Somebody at a shell: runs `devmesh` as a process of its own, at a terminal or in a pipe."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-c", "import sys; from devmesh.cli import main; sys.exit(main())"]
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SECONDS = 180.0


@dataclass
class Ran:
    """How a command ended; `err` is empty for one at a terminal, where both streams are `out`."""

    code: int
    out: str
    err: str = ""

    @property
    def said(self) -> str:
        """All of it."""
        return self.out + self.err

    @property
    def text(self) -> str:
        """What a person at the terminal reads, without colors and with what was erased gone, in one line."""
        return " ".join(_ESCAPE.sub("", self.out).split())

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def widest(self) -> int:
        """The columns of the longest line that stayed."""
        lines = _ESCAPE.sub("", self.out.replace("\r\n", "\n")).split("\n")
        return max(len(line.rpartition("\r")[2]) for line in lines)


@dataclass
class Shell:
    """A shell whose home is a directory of the test's."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def sessions(self) -> Path:
        """The file of logins."""
        return self.home / ".config" / "devmesh" / "sessions.json"

    def _environ(self) -> dict[str, str]:
        # No keyring of whoever runs the tests has a say.
        null = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", **null, **self.environ}

    async def run(self, *words: str | Path, stdin: str = "") -> Ran:
        """Run it with its three streams in pipes."""
        return await piped([*PROGRAM, *map(str, words)], stdin, env=self._environ(), cwd=self.home)

    async def start(self, *words: str | Path) -> asyncio.subprocess.Process:
        """Begin to run it with its three streams in pipes."""
        return await asyncio.create_subprocess_exec(
            *PROGRAM, *map(str, words), env=self._environ(), cwd=self.home, stdin=-1, stdout=-1, stderr=-1
        )

    async def type(self, *words: str | Path, answers: Sequence[tuple[str, str]] = (), columns: int = 80) -> Ran:
        """Run it at a terminal; each answer is typed once the text before it has been seen."""
        return await asyncio.to_thread(self._type, list(map(str, words)), list(answers), columns)

    def _type(self, words: list[str], answers: list[tuple[str, str]], columns: int) -> Ran:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environ = {"TERM": "xterm", **self._environ()}
        # Its controlling terminal as well: that is where passwords are asked for. Of tests that run in the background
        # Ctrl-C is ignored, and so of what they start; at a terminal it is not.
        setup = (
            "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
            "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
        )
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", setup, *PROGRAM, *words],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=self.home, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            out = _talk(ours, answers)
            return Ran(process.wait(_SECONDS), out)
        finally:
            os.close(ours)
            process.kill()
            process.wait()


async def piped(command: Sequence[str], stdin: str, **options: Any) -> Ran:
    """Run a command to its end with its three streams in pipes."""
    # What it is given is there before it is: one that reads nothing may be over before anything else is done here.
    given, giving = os.pipe()
    os.write(giving, stdin.encode())
    os.close(giving)
    try:
        process = await asyncio.create_subprocess_exec(*command, stdin=given, stdout=-1, stderr=-1, **options)
    finally:
        os.close(given)
    out, err = await asyncio.wait_for(process.communicate(), _SECONDS)
    return Ran(process.returncode or 0, out.decode(), err.decode())


def _talk(terminal: int, answers: list[tuple[str, str]]) -> str:
    """Type the answers; return all that was shown until the program let go of the terminal."""
    out, seen, until = b"", 0, time.monotonic() + _SECONDS
    while select.select([terminal], [], [], max(until - time.monotonic(), 0))[0]:
        try:
            read = os.read(terminal, 65_536)
        except OSError:  # on Linux: nobody is at the other end any more
            break
        if not read:
            break
        out += read
        if answers and answers[0][0].encode() in out[seen:]:
            os.write(terminal, answers[0][1].encode() + b"\n")
            seen = len(out)
            del answers[0]
    assert not answers, f"it never asked {answers[0][0]!r}: {out.decode()}"
    return out.decode()
