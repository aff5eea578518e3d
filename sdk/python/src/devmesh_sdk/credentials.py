"""What a client shows to say who calls. None of them tells its secret when it is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from devmesh_sdk.errors import DeveloperMeshError, UsageError

# What can stand in a header: anything else would let a value end the header, or be told in another library's error.
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, sent with each call."""

    key: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a key, without telling it."""
        sendable(self.key, "API key")


@dataclass(frozen=True, slots=True)
class Login:
    """A person's e-mail address and password: the client logs in at its first call, and when its session is over."""

    email: str
    password: str = field(repr=False)
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """A session that somebody else has begun; without a refresh token it ends with the access token."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be a token, without telling it."""
        sendable(self.access_token, "access token")


Auth = ApiKey | Login | Tokens


def sendable(value: str, name: str) -> str:
    """Return what can be sent as a header; raises UsageError, which does not tell the value."""
    if not _VISIBLE.fullmatch(value):
        raise UsageError(f"The {name} is empty, or holds a character that none has: a blank or a line's end, perhaps.")
    return value


class Session:
    """What is sent now, and what gets the next of it.

    It is replaced whole when a client takes another credential, so that a refresh under way cannot write into the next.
    `attempts` counts the renewals begun; `failure` is how the last of them ended, if badly, and `failed_at` when.
    """

    def __init__(self, auth: Auth | None) -> None:
        self.bearer: str | None = None
        self.refresh_token: str | None = None
        self.login = auth if isinstance(auth, Login) else None
        self.attempts = 0
        self.failure: DeveloperMeshError | None = None
        self.failed_at = 0.0
        if isinstance(auth, ApiKey):
            self.bearer = auth.key
        elif isinstance(auth, Tokens):
            self.take(auth)

    @property
    def renewable(self) -> bool:
        """Whether there is something to get another access token with."""
        return self.refresh_token is not None or self.login is not None

    def take(self, tokens: Tokens | None) -> None:
        """Send these tokens from now on; None: log in again, where there is something to log in with."""
        self.refresh_token = tokens.refresh_token if tokens else None
        self.bearer = tokens.access_token if tokens else None

    def secrets(self) -> list[str]:
        """Return what no text may hold."""
        held = (self.bearer, self.refresh_token, self.login.password if self.login else None)
        return [secret for secret in held if secret]
