"""What `devmesh login` got, kept for the commands after it: one login a server, for its owner's eyes alone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from devmesh.client import ring
from devmesh.client.failure import Exit, Failed
from devmesh.client.files import replace

_LOCK_SECONDS = 60.0
_LOCK_PAUSE = 0.05
_ELSES = stat.S_IRWXG | stat.S_IRWXO
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session's tokens; the access token ends at `expires_at`, in Unix seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float

    @classmethod
    def of(cls, reply: Mapping[str, Any], now: float) -> Tokens:
        """Return the tokens in the reply to a login or a refresh."""
        return cls(reply["access_token"], reply["refresh_token"], now + float(reply["expires_in"]))


@dataclass(frozen=True, slots=True)
class Login:
    """Who is logged in to a server, and the session's tokens; `in_keyring` tells where those are kept."""

    email: str
    organization: str
    tokens: Tokens
    in_keyring: bool = False


class Logins:
    """The logins of this user of the machine.

    They are in `sessions.json` of `directory`, readable by its owner alone and replaced whole; tokens that the system's
    keyring holds are not in it. Whoever changes it holds the lock.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = directory / "sessions.json"

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Logins:
        """Return those below XDG_CONFIG_HOME, or ~/.config."""
        shared = environ.get("XDG_CONFIG_HOME") or ""
        # The XDG specification: a relative path is to be ignored.
        base = Path(shared) if shared.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".config"
        return cls(base / "devmesh")

    @property
    def current(self) -> str | None:
        """The address of the server that was logged in to last."""
        current = self._read().get("current")
        return current if isinstance(current, str) else None

    def find(self, url: str) -> Login | None:
        """Return the login at that address; raise Failed if it is kept where it cannot be read."""
        entry = self._read().get("logins", {}).get(url)
        if entry is None:
            return None
        try:
            in_keyring = bool(entry["in_keyring"])
            tokens = ring.load(url) if in_keyring else entry["tokens"]
            return Login(entry["email"], entry["organization"], Tokens(**tokens), in_keyring) if tokens else None
        except (KeyError, TypeError):
            raise self._damaged() from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other command from changing a login; one that is killed keeps nobody waiting."""
        until = time.monotonic() + _LOCK_SECONDS
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._directory / "sessions.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            while not _taken(lock):
                if time.monotonic() > until:
                    raise Failed("Another devmesh command is changing the login and does not end.", "End it.")
                time.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(lock)

    def keep(self, url: str, login: Login) -> Login:
        """Keep the login, under the lock, in the keyring if it is there or `login` is in it already; return it so."""
        tokens = asdict(login.tokens)
        in_keyring = ring.keep(url, tokens)
        if login.in_keyring and not in_keyring:
            ring.drop(url)
        kept = self._read()
        entry = {"email": login.email, "organization": login.organization, "in_keyring": in_keyring}
        entry |= {} if in_keyring else {"tokens": tokens}
        self._write({"current": url, "logins": {**kept.get("logins", {}), url: entry}})
        return Login(login.email, login.organization, login.tokens, in_keyring)

    def drop(self, url: str) -> None:
        """Forget the login at that address, under the lock, wherever it was kept."""
        kept = self._read()
        entry = kept.get("logins", {}).pop(url, None)
        if isinstance(entry, dict) and entry.get("in_keyring"):
            ring.drop(url)
        if entry is not None:
            left = next(reversed(kept["logins"]), None)
            self._write({"current": left if kept.get("current") == url else kept.get("current"), **_logins(kept)})

    def _read(self) -> dict[str, Any]:
        try:
            with self._file.open("rb") as file:
                self._admit(os.fstat(file.fileno()))
                content = json.loads(file.read(_LARGEST))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Failed(f"{self._file} cannot be read: {error.strerror}.", "Mend that, or remove it.") from None
        except ValueError:
            raise self._damaged() from None
        if not isinstance(content, dict) or not isinstance(content.get("logins", {}), dict):
            raise self._damaged()
        return content

    def _admit(self, found: os.stat_result) -> None:
        if found.st_uid != os.geteuid() or found.st_mode & _ELSES:
            raise Failed(
                f"{self._file} is open to others, so it is not used.",
                f"Remove it and log in again: 'devmesh login'. Others may have read it: its permissions were "
                f"{stat.filemode(found.st_mode)}.",
                Exit.REFUSED,
            )

    def _write(self, content: Mapping[str, Any]) -> None:
        try:
            replace(self._file, json.dumps(content, indent=1).encode(), mode=0o600)
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> Failed:
        return Failed(f"{self._directory} cannot be written: {error.strerror}.", "The login is kept there: mend that.")

    def _damaged(self) -> Failed:
        return Failed(f"{self._file} cannot be understood.", "Remove it and log in again: 'devmesh login'.")


def _logins(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {"logins": kept.get("logins", {})}


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
