"""The system's keyring, where the `keyring` package is installed and something behind it is worth the name."""

from __future__ import annotations

import importlib
import importlib.util
import json
from typing import Any, Protocol, cast

from devmesh.client.failure import Exit, Failed

_SERVICE = "devmesh"
# The package's own measure: below are its stand-ins for none, and files in the clear.
_WORTH = 1


class _Keyring(Protocol):
    """What we use of the package."""

    def get_password(self, service: str, name: str) -> str | None: ...
    def set_password(self, service: str, name: str, value: str) -> None: ...
    def delete_password(self, service: str, name: str) -> None: ...


def keep(url: str, tokens: dict[str, Any]) -> bool:
    """Return whether the keyring holds the tokens now, in place of any earlier ones for that address."""
    ring = _ring()
    if ring is None:
        return False
    try:
        ring.set_password(_SERVICE, url, json.dumps(tokens))
    except _errors():
        return False
    return True


def load(url: str) -> dict[str, Any] | None:
    """Return the tokens, None if there are none (any more); raise Failed where the keyring does not open."""
    ring = _ring()
    if ring is None:
        raise _shut("it is not there")
    try:
        held = ring.get_password(_SERVICE, url)
    except _errors() as error:
        raise _shut(type(error).__name__) from None
    try:
        tokens = json.loads(held) if held is not None else None
    except ValueError:
        return None
    return tokens if isinstance(tokens, dict) else None


def drop(url: str) -> None:
    """Take the tokens out of the keyring if it opens."""
    ring = _ring()
    if ring is not None:
        try:
            ring.delete_password(_SERVICE, url)
        except _errors():
            return


def _ring() -> _Keyring | None:
    # Imported only here: it takes longer than the rest of a command.
    if importlib.util.find_spec("keyring") is None:
        return None
    try:
        found = importlib.import_module("keyring").get_keyring()
    except _errors():
        return None
    return cast("_Keyring", found) if found.priority >= _WORTH else None


def _errors() -> tuple[type[Exception], ...]:
    return (importlib.import_module("keyring.errors").KeyringError, OSError)


def _shut(why: str) -> Failed:
    return Failed(
        f"The login is in the system's keyring, and that does not open: {why}.",
        "Unlock it, or log in again where it is not: 'devmesh login'.",
        Exit.REFUSED,
    )
