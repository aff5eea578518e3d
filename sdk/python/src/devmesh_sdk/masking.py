"""Keeps secrets out of what is told: nobody's log is the place for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "[secret]"
# The shortest text that is looked for: a shorter one stands in half of all sentences.
_SHORTEST = 6
# API keys, refresh tokens, tokens of a login's second step, and access tokens.
_FORMS = re.compile(
    r"(?:adm|usr|agt|gw|rfr|mfa)_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
)
_NAMES = re.compile(r"password|token|secret|credential|key$|code$", re.IGNORECASE)


def masked(value: Any, secrets: Iterable[str]) -> Any:
    """Return the JSON value without these secrets, and without anything that has the form of one of the server's."""
    known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
    return _masked(value, known)


def secrets_in(value: Any, *, named: bool = False) -> Iterator[str]:
    """Yield the texts of a request's body that stand under a name such as `password` or `credentials`."""
    if isinstance(value, str) and named:
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from secrets_in(inner, named=named or _NAMES.search(str(name)) is not None)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_in(inner, named=named)


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK)
        return _FORMS.sub(MASK, value)
    if isinstance(value, dict):
        return {_masked(name, secrets): _masked(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, secrets) for inner in value]
    return value
