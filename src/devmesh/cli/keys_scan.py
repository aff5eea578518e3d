"""`devmesh keys scan`: needs neither a server nor a database, and sends nothing anywhere."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from devmesh.crypto.tokens import PATTERN
from devmesh.keys.scan import Found, scan

_STDIN = "-"
_CLEAN, _FOUND, _UNREAD = 0, 1, 2
_FROM_STDIN = "(standard input)"


def run(options: argparse.Namespace) -> int:
    """Print where keys stand, never the keys; 1 if there are any, 2 if there are none in what could be read."""
    if options.pattern:
        print(PATTERN.pattern)
        return _CLEAN
    look = _Look(as_json=options.json)
    try:
        for path in options.path:
            if path == _STDIN:
                look.into_stdin()
            else:
                look.into(Path(path))
    except BrokenPipeError:
        # Whoever reads has seen enough; nor is what is still buffered written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _FOUND if look.found else _UNREAD if look.unread else _CLEAN


class _Look:
    """One run: what was found, and what could not be read."""

    def __init__(self, *, as_json: bool) -> None:
        self.found = 0
        self.unread = 0
        self._as_json = as_json

    def into(self, path: Path) -> None:
        """Look into the file, or into every file below the directory; a link that was named itself is followed."""
        try:
            mode = path.stat().st_mode
        except OSError as error:
            self._not_read(path, error)
            return
        if stat.S_ISDIR(mode):
            for file in self._below(path):
                self._file(file, os.O_NOFOLLOW)
        else:
            self._file(path, 0)

    def into_stdin(self) -> None:
        """Look into what comes over standard input."""
        for found in scan(sys.stdin.buffer):
            self._tell(_FROM_STDIN, found)

    def _below(self, top: Path) -> Iterator[Path]:
        """Yield the files below, in order. No link is followed: what it leads to is either below too, or not meant."""
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            try:
                with os.scandir(directory) as listed:
                    entries = sorted(listed, key=lambda entry: entry.name)
            except OSError as error:
                self._not_read(directory, error)
                continue
            yield from (Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))
            waiting += [Path(entry.path) for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]

    def _file(self, path: Path, follow: int) -> None:
        try:
            # Not waiting for whoever may write to a pipe; and what is no file (any more) is no text.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | follow)
            with open(descriptor, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor has no path
                if stat.S_ISREG(os.fstat(descriptor).st_mode):
                    for found in scan(stream):
                        self._tell(str(path), found)
        except BrokenPipeError:
            raise  # of our output
        except OSError as error:
            self._not_read(path, error)

    def _tell(self, where: str, found: Found) -> None:
        self.found += 1
        if self._as_json:
            told = {"file": where, "line": found.line, "column": found.column}
            print(json.dumps({**told, "key_type": found.key_type, "key_prefix": found.key_prefix}), flush=True)
        else:
            print(f"{_shown(where)}:{found.line}:{found.column}: {found.key_type} {found.key_prefix}", flush=True)

    def _not_read(self, path: Path, error: OSError) -> None:
        self.unread += 1
        print(f"{_shown(str(path))}: not read: {error.strerror or type(error).__name__}", file=sys.stderr)


def _shown(name: str) -> str:
    """Return the name in one line that any terminal can show: names may hold anything but / and NUL."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "surrogatepass").decode()
        for character in name
    )
